"""One tar header block as a value: ustar, old GNU and pax fields, octal and base-256 numbers. Pure, of untrusted bytes.

Reading the blocks one after another is in tar_stream. All names are bytes: Linux has no other. The worker imports this
at each start, so it does without dataclasses, typing and re: importing them takes longer than unpacking a small layer.
"""

import binascii
import struct

BLOCK = 512
MAX_NAME = 4095
"""PATH_MAX without its NUL: a longer name could not be opened anyway."""
MAX_ID = 0xFFFFFFFE
MAX_XATTRS = 256

FILE, HARD_LINK, SYMLINK, CHAR, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
_REGULAR = (b"0", b"\0", b"7")
_WITHOUT_DATA = (HARD_LINK, SYMLINK, CHAR, BLOCK_DEVICE, DIRECTORY, FIFO)

_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")


class TarError(Exception):
    """The archive is not what a tar may be; the text says where."""


class Entry:
    """One member, with pax and GNU extensions already applied."""

    __slots__ = ("full_size", "gid", "kind", "link", "major", "minor", "mode", "mtime_ns", "name", "size", "sparse",
                 "uid", "xattrs")  # fmt: skip

    def __init__(
        self,
        kind: bytes,
        name: bytes,
        *,
        link: bytes = b"",
        mode: int = 0,
        uid: int = 0,
        gid: int = 0,
        size: int = 0,
        mtime_ns: int = 0,
        major: int = 0,
        minor: int = 0,
    ) -> None:
        self.kind = kind
        self.name = name
        self.link = link
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.size = size
        """Bytes of data that follow in the archive."""
        self.mtime_ns = mtime_ns
        self.major = major
        self.minor = minor
        self.xattrs: dict[str, bytes] = {}
        self.sparse: list[tuple[int, int]] | None = None
        """Where the data belongs: (offset, length); None: from the start to the end."""
        self.full_size = 0
        """Of a sparse file, with its holes."""


def show(name: bytes) -> str:
    """A name for messages: quoted, escaped, and not endless."""
    text = name.decode(errors="backslashreplace")
    return repr(text if len(text) <= 200 else f"{text[:200]}…")


def number(text: bytes, what: str) -> int:
    """A numeric field: octal digits, or base 256 when the first bit is set."""
    if text[0] & 0x80:
        # The bit below the marker is the sign, the rest is big-endian two's complement.
        return int.from_bytes(bytes([text[0] & 0x7F | (text[0] & 0x40) << 1]) + text[1:], "big", signed=True)
    digits = text.partition(b"\0")[0].strip()
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise TarError(f"{what} of a header is not a number: {digits!r}")
    return int(digits, 8)


def check_sum(block: bytes) -> bool:
    """Whether the header's checksum holds; old tars summed signed bytes."""
    try:
        wanted = number(block[148:156], "checksum")
    except TarError:
        return False
    total = sum(block) - sum(block[148:156]) + 8 * 32
    if total == wanted:
        return True
    return total - 256 * sum(1 for byte in block[:148] + block[156:] if byte > 127) == wanted


def parse(block: bytes) -> Entry:
    """The header as it stands in its 512 bytes."""
    (name, mode, uid, gid, size, mtime, _sum, kind, link, magic, _u, _g, major, minor, prefix) = _FIELDS.unpack(block)
    name = name.partition(b"\0")[0]
    if magic.startswith(b"ustar\0") and prefix[0]:
        name = prefix.partition(b"\0")[0] + b"/" + name
    if kind in _REGULAR:
        kind = DIRECTORY if kind == b"\0" and name.endswith(b"/") else FILE
    device = kind in (CHAR, BLOCK_DEVICE)
    return Entry(
        kind=kind,
        name=name,
        link=link.partition(b"\0")[0],
        mode=number(mode, "mode") & 0o7777,
        uid=number(uid, "uid"),
        gid=number(gid, "gid"),
        size=0 if kind in _WITHOUT_DATA else number(size, "size"),
        mtime_ns=number(mtime, "mtime") * 1_000_000_000,
        major=number(major, "device number") if device else 0,
        minor=number(minor, "device number") if device else 0,
    )


def parse_pax(data: bytes) -> dict[bytes, bytes]:
    """The records of a pax extended header: "<length> <key>=<value>\\n"."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 20)
        length = data[position:space] if space > 0 else b""
        if not length.isdigit():
            raise TarError("a pax header has a record without a length")
        end = position + int(length)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end > len(data) or end <= space + 1 or data[end - 1 : end] != b"\n" or not equals:
            raise TarError("a pax header has a malformed record")
        records[key] = value
        position = end
    return records


def decimal(value: bytes, what: str) -> int:
    """An integer of a pax record."""
    if not value.isdigit() or len(value) > 20:
        raise TarError(f"pax {what} is not a number: {value[:40]!r}")
    return int(value)


def nanoseconds(value: bytes) -> int:
    """A pax time, "-12.5" for instance, in nanoseconds."""
    whole, _, fraction = value.lstrip(b"-").partition(b".")
    if not whole.isdigit() or len(whole) > 18 or (fraction and not fraction.isdigit()):
        raise TarError(f"pax mtime is not a time: {value[:40]!r}")
    total = int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0") or b"0")
    return -total if value.startswith(b"-") else total


def apply_pax(entry: Entry, records: dict[bytes, bytes]) -> None:
    """Let the records of an extended header override the header's fields."""
    for key, value in records.items():
        if key == b"path":
            entry.name = value
        elif key == b"linkpath":
            entry.link = value
        elif key == b"size":
            entry.size = 0 if entry.kind in _WITHOUT_DATA else decimal(value, "size")
        elif key == b"uid":
            entry.uid = decimal(value, "uid")
        elif key == b"gid":
            entry.gid = decimal(value, "gid")
        elif key == b"mtime":
            entry.mtime_ns = nanoseconds(value)
        elif key.startswith((b"SCHILY.xattr.", b"LIBARCHIVE.xattr.")):
            _take_xattr(entry, key, value)


def _take_xattr(entry: Entry, key: bytes, value: bytes) -> None:
    namespace, _, name = key.partition(b".xattr.")
    if namespace == b"LIBARCHIVE":  # it encodes both parts; where both spellings are given, they say the same
        try:
            name = _unquote(name)
            value = binascii.a2b_base64(value + b"=" * (-len(value) % 4))
        except ValueError as error:
            raise TarError(f"an extended attribute of {show(entry.name)} is wrongly encoded") from error
    text = name.decode(errors="surrogateescape")
    if "\0" in text or len(text) > 255:
        raise TarError(f"an extended attribute of {show(entry.name)} has an impossible name")
    entry.xattrs[text] = value
    if len(entry.xattrs) > MAX_XATTRS:
        raise TarError(f"{show(entry.name)} has more than {MAX_XATTRS} extended attributes")


def _unquote(text: bytes) -> bytes:
    """Percent-encoding undone."""
    first, *rest = text.split(b"%")
    return first + b"".join(bytes([int(part[:2], 16)]) + part[2:] for part in rest)


def check(entry: Entry) -> None:
    """Refuse values that the kernel would refuse, while the entry can still be named."""
    for value in (entry.name, entry.link):
        if b"\0" in value:
            raise TarError(f"the name {show(value)} contains a NUL")
        if len(value) > MAX_NAME:
            raise TarError(f"the name {show(value)} is longer than {MAX_NAME} bytes")
    if not (0 <= entry.uid <= MAX_ID and 0 <= entry.gid <= MAX_ID):
        raise TarError(f"{show(entry.name)} has an owner out of range: {entry.uid}:{entry.gid}")
    if not 0 <= entry.size < 1 << 62:
        raise TarError(f"{show(entry.name)} has an impossible size: {entry.size}")
    if not -(1 << 62) < entry.mtime_ns < 1 << 62:
        entry.mtime_ns = 0
    if not (0 <= entry.major < 1 << 12 and 0 <= entry.minor < 1 << 20):
        raise TarError(f"{show(entry.name)} has an impossible device number: {entry.major}:{entry.minor}")
