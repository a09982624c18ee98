"""The tar in a packed layer's image, as it was sent. Blocks."""

import hashlib
import os
from typing import BinaryIO

from orlop.engine.storage import digests
from orlop.engine.storage import erofs_format as fmt
from orlop.engine.storage.erofs_write import TAR_AT

_CHUNK = 1 << 20


def find_tar(image: BinaryIO, diff_id: str) -> int:
    """Bytes of the tar whose digest is diff_id; the file is then at its beginning. 0: it is not there as it was.

    Images of earlier versions do not tell how long it is. Raises OSError.
    """
    try:
        length = fmt.tar_length(os.pread(image.fileno(), TAR_AT, 0))
    except ValueError:
        return 0
    hashed, left = hashlib.new(digests.algorithm(diff_id)), length
    image.seek(TAR_AT)
    while left and (chunk := image.read(min(_CHUNK, left))):
        hashed.update(chunk)
        left -= len(chunk)
    image.seek(TAR_AT)
    return length if hashed.hexdigest() == digests.hexadecimal(diff_id) else 0
