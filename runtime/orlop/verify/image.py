"""An OCI image of two layers, made in memory from the machine's static busybox. Pushing it is in push."""

import gzip
import hashlib
import io
import json
import os
import platform
import struct
import tarfile
from dataclasses import dataclass

from orlop.model.errors import FailedPrecondition

BUSYBOX = ("/bin/busybox", "/usr/bin/busybox", "/usr/lib/busybox/busybox-static", "/bin/busybox-static")
APPLETS = ("sh", "cat", "echo", "httpd", "mkdir", "sleep", "true")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Blob:
    """Some content under its digest."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        """As registries name it."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, object]:
        """As manifests refer to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """What is pushed: blobs first, then the manifest."""

    blobs: tuple[Blob, ...]
    manifest: Blob


def build(page: str, busybox: str | None = None) -> BuiltImage:
    """An image with busybox and a page for its web server. Raises FailedPrecondition without a static busybox."""
    program = _read_static(busybox or _find())
    base = _layer([("bin", None, 0o755), ("bin/busybox", program, 0o755)], links=APPLETS)
    content = _layer([("www", None, 0o755), ("www/index.html", page.encode(), 0o644), ("tmp", None, 0o1777)])
    layers = [Blob(LAYER_TYPE, gzip.compress(tar, compresslevel=1, mtime=0)) for tar in (base, content)]
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"], "WorkingDir": "/"},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in (base, content)],
        },
    }
    config_blob = Blob(CONFIG_TYPE, json.dumps(config).encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config_blob.descriptor,
        "layers": [layer.descriptor for layer in layers],
    }
    return BuiltImage((config_blob, *layers), Blob(MANIFEST_TYPE, json.dumps(manifest).encode()))


def _layer(files: list[tuple[str, bytes | None, int]], links: tuple[str, ...] = ()) -> bytes:
    """A tar of files (None: a directory) and of links to busybox."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data, mode in files:
            member = tarfile.TarInfo(name)
            member.mode = mode
            member.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            member.size = len(data or b"")
            tar.addfile(member, io.BytesIO(data or b""))
        for name in links:
            member = tarfile.TarInfo(f"bin/{name}")
            member.type, member.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(member)
    return out.getvalue()


def _find() -> str:
    for path in BUSYBOX:
        if os.path.exists(path):
            return path
    raise FailedPrecondition(
        f"there is no busybox at {' or '.join(BUSYBOX)}: apt install busybox-static, or name an --image"
    )


def _read_static(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            program = file.read()
    except OSError as error:
        raise FailedPrecondition(f"{path}: {error.strerror}: apt install busybox-static, or name an --image") from error
    if not is_static(program):
        raise FailedPrecondition(f"{path} is not static: apt install busybox-static, or name an --image")
    return program


def is_static(program: bytes) -> bool:
    """Whether an ELF program asks for no interpreter (elf(5), PT_INTERP)."""
    if program[:4] != b"\x7fELF":
        return False
    wide, order = program[4] == 2, "<" if program[5] == 1 else ">"
    try:
        offset = struct.unpack_from(f"{order}Q" if wide else f"{order}I", program, 32 if wide else 28)[0]
        size, count = struct.unpack_from(f"{order}HH", program, 54 if wide else 42)
        kinds = {struct.unpack_from(f"{order}I", program, offset + index * size)[0] for index in range(count)}
    except struct.error:
        return False
    return 3 not in kinds
