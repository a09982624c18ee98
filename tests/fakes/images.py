"""Images made in memory, of any layers: `ImageBuilder().layer({"bin/sh": …}).config(user="1000").build()`.

An `Image` is manifest, configuration and blobs; tests.parts.registry pushes it, `oci_archive` and `docker_archive`
write it to a file. Layers are told as a mapping of names to bytes (a plain file) or to one of the small values below.
"""

import gzip
import hashlib
import io
import json
import os
import platform
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import zstandard

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
MTIME = 1_700_000_000
BUSYBOX = "/bin/busybox"
APPLETS = (
    "sh ash cat ls echo sleep true false id env printenv hostname mount umount ps kill touch mkdir rm cp mv ln stat "
    "head tail grep sed awk wc sort date dd df du find xargs test [ expr seq tr cut tee yes nc wget httpd ip ifconfig "
    "ping vi top free uname whoami pwd chmod chown readlink realpath mktemp sync timeout nslookup sysctl dmesg stty tty"
).split()


@dataclass(frozen=True, kw_only=True)
class Meta:
    """What every entry may say."""

    mode: int | None = None
    uid: int = 0
    gid: int = 0
    mtime: float = MTIME
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class File(Meta):
    """A regular file."""

    data: bytes = b""


@dataclass(frozen=True)
class Dir(Meta):
    """A directory."""


@dataclass(frozen=True)
class Link(Meta):
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class HardLink(Meta):
    """Another name of an entry of the same layer."""

    target: str


@dataclass(frozen=True)
class Device(Meta):
    """A device node, or with kind "p" a FIFO."""

    kind: str = "c"
    major: int = 0
    minor: int = 0


Entry = bytes | File | Dir | Link | HardLink | Device
_TYPES: dict[type, bytes] = {
    File: tarfile.REGTYPE,
    Dir: tarfile.DIRTYPE,
    Link: tarfile.SYMTYPE,
    HardLink: tarfile.LNKTYPE,
}
_MODES: dict[type, int] = {Dir: 0o755, Link: 0o777}


def sha256(data: bytes) -> str:
    """A digest."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar_bytes(entries: Mapping[str, Entry], *, format: int = tarfile.PAX_FORMAT) -> bytes:
    """An uncompressed tar of these entries in this order."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=format, errors="surrogateescape") as tar:
        for name, entry in entries.items():
            info, data = _member(name, entry)
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def _member(name: str, entry: Entry) -> tuple[tarfile.TarInfo, bytes]:
    if isinstance(entry, bytes):
        entry = File(entry)
    info = tarfile.TarInfo(name)
    data = entry.data if isinstance(entry, File) else b""
    info.size = len(data)
    info.uid, info.gid, info.mtime = entry.uid, entry.gid, entry.mtime
    info.mode = _MODES.get(type(entry), 0o644) if entry.mode is None else entry.mode
    info.pax_headers = {
        f"SCHILY.xattr.{key}": value.decode(errors="surrogateescape") for key, value in entry.xattrs.items()
    }
    if isinstance(entry, Device):
        info.type = {"c": tarfile.CHRTYPE, "b": tarfile.BLKTYPE, "p": tarfile.FIFOTYPE}[entry.kind]
        info.devmajor, info.devminor = entry.major, entry.minor
    else:
        info.type = _TYPES[type(entry)]
    if isinstance(entry, Link | HardLink):
        info.linkname = entry.target
    return info, data


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "zstd": lambda data: zstandard.ZstdCompressor(level=1).compress(data),
    "none": lambda data: data,
}


@dataclass(frozen=True)
class Layer:
    """A layer as it is stored and as it unpacks."""

    blob: bytes
    diff_id: str
    media_type: str

    @property
    def digest(self) -> str:
        """Of the blob."""
        return sha256(self.blob)


@dataclass(frozen=True)
class Image:
    """A complete image: everything a registry would hold of it."""

    manifest: bytes
    config: bytes
    layers: tuple[Layer, ...] = ()
    media_type: str = OCI_MANIFEST
    children: tuple["Image", ...] = ()
    """Of an index."""

    @property
    def digest(self) -> str:
        """Of the manifest or index."""
        return sha256(self.manifest)

    @property
    def id(self) -> str:
        """The configuration's digest."""
        return sha256(self.config)

    @property
    def blobs(self) -> dict[str, bytes]:
        """Every blob by digest: layers and configurations, of the children too."""
        found = {layer.digest: layer.blob for layer in self.layers}
        if self.config:
            found[self.id] = self.config
        for child in self.children:
            found |= child.blobs
        return found


def _described(media_type: str, data: bytes, digest: str | None = None) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest or sha256(data), "size": len(data)}


class ImageBuilder:
    """Builds one image, layer by layer."""

    def __init__(self, *, docker: bool = False, architecture: str = ARCHITECTURE, os: str = "linux") -> None:
        self._docker = docker
        self._layers: list[Layer] = []
        self._run: dict[str, Any] = {}
        self._config: dict[str, Any] = {"architecture": architecture, "os": os, "created": "2026-01-02T03:04:05Z"}
        self._annotations: dict[str, str] = {}

    def layer(self, entries: Mapping[str, Entry], *, compression: str = "gzip", **tar: Any) -> "ImageBuilder":
        """Add a layer of these entries."""
        return self.raw_layer(tar_bytes(entries, **tar), compression=compression)

    def raw_layer(
        self, tar: bytes, *, compression: str = "gzip", diff_id: str | None = None, blob: bytes | None = None
    ) -> "ImageBuilder":
        """Add a layer of any bytes; diff_id and blob tell lies about it."""
        suffix = "" if compression == "none" else f"+{compression}"
        media_type = DOCKER_LAYER if self._docker else OCI_LAYER + suffix
        data = COMPRESSORS[compression](tar) if blob is None else blob
        self._layers.append(Layer(data, diff_id or sha256(tar), media_type))
        return self

    def config(self, **run: Any) -> "ImageBuilder":
        """Fields of the configuration: user, env, entrypoint, cmd, working_dir, volumes, stop_signal, labels."""
        for key, value in run.items():
            self._run["".join(part.capitalize() for part in key.split("_"))] = value
        return self

    def annotate(self, **annotations: str) -> "ImageBuilder":
        """Annotations of the manifest."""
        self._annotations |= annotations
        return self

    def build(self) -> Image:
        """The image."""
        rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in self._layers]}
        config = json.dumps({**self._config, "config": self._run, "rootfs": rootfs}).encode()
        media_type = DOCKER_MANIFEST if self._docker else OCI_MANIFEST
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": _described(DOCKER_CONFIG if self._docker else OCI_CONFIG, config),
            "layers": [_described(layer.media_type, layer.blob) for layer in self._layers],
        }
        if self._annotations:
            manifest["annotations"] = self._annotations
        return Image(json.dumps(manifest).encode(), config, tuple(self._layers), media_type)


def artifact(files: Mapping[str, bytes], *, kind: str = "application/vnd.example.model") -> Image:
    """An OCI artifact as ORAS pushes it: a blob for each file, its name as an annotation; no name for ""."""
    layers = tuple(Layer(data, "", "application/octet-stream") for data in files.values())
    described = []
    for name, layer in zip(files, layers, strict=True):
        entry = _described(layer.media_type, layer.blob)
        described.append({**entry, "annotations": {"org.opencontainers.image.title": name}} if name else entry)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": _described("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": described,
    }
    return Image(json.dumps(manifest).encode(), b"{}", layers)


def index(images: Mapping[str, Image]) -> Image:
    """An index of images by platform, "linux/arm64/v8" for instance."""
    manifests = []
    for name, image in images.items():
        system, architecture, *variant = name.split("/")
        target: dict[str, Any] = {"os": system, "architecture": architecture}
        if variant:
            target["variant"] = variant[0]
        manifests.append({**_described(image.media_type, image.manifest), "platform": target})
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return Image(json.dumps(document).encode(), b"", (), OCI_INDEX, tuple(images.values()))


def busybox_image(*, extra: Mapping[str, Entry] | None = None, **config: Any) -> Image:
    """A small image that runs: Debian's static busybox, its applets as hard links, users, groups and a sticky /tmp."""
    with open(BUSYBOX, "rb") as file:
        busybox = file.read()
    entries: dict[str, Entry] = {
        name: Dir() for name in ("bin", "etc", "dev", "proc", "sys", "root", "home", "var", "www")
    }
    entries["tmp"] = Dir(mode=0o1777)
    entries["bin/busybox"] = File(busybox, mode=0o755)
    entries |= {f"bin/{applet}": HardLink("bin/busybox", mode=0o755) for applet in APPLETS}
    entries["etc/passwd"] = (
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\nweb:x:1000:1000:web:/home:/bin/sh\n"
    )
    entries["etc/group"] = b"root:x:0:\nnogroup:x:65534:\nweb:x:1000:\nextra:x:2000:web\n"
    entries |= extra or {}
    defaults = {"env": ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"], "cmd": ["sh"]}
    return ImageBuilder().layer(entries).config(**(defaults | config)).build()


def oci_archive(path: str, images: Mapping[str, Image], *, compress: bool = False) -> str:
    """Write an OCI layout as a tar; names become the annotation that tools put there."""
    with tarfile.open(path, "w:gz" if compress else "w") as tar:
        for name, data in _layout(images).items():
            _put(tar, name, data)
    return path


def oci_directory(path: str, images: Mapping[str, Image]) -> str:
    """Write an OCI layout as a directory."""
    for name, data in _layout(images).items():
        file = os.path.join(path, name)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as out:
            out.write(data)
    return path


def _layout(images: Mapping[str, Image]) -> dict[str, bytes]:
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
    manifests = []
    for name, image in images.items():
        entry = _described(image.media_type, image.manifest)
        if name:
            entry["annotations"] = {"org.opencontainers.image.ref.name": name}
        manifests.append(entry)
        for document in (image, *image.children):
            files[_blob(document.digest)] = document.manifest
        files |= {_blob(digest): data for digest, data in image.blobs.items()}
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
    return files


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _put(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mtime = time.time()
    tar.addfile(info, io.BytesIO(data))


def docker_archive(path: str, images: Mapping[str, Image]) -> str:
    """Write what `docker save` writes: uncompressed layers and manifest.json. Layers must be stored uncompressed."""
    listed = []
    with tarfile.open(path, "w") as tar:
        for name, image in images.items():
            config = f"{image.id.partition(':')[2]}.json"
            layers = [f"{layer.digest.partition(':')[2]}/layer.tar" for layer in image.layers]
            _put(tar, config, image.config)
            for file, layer in zip(layers, image.layers, strict=True):
                _put(tar, file, layer.blob)
            listed.append({"Config": config, "RepoTags": [name] if name else None, "Layers": layers})
        _put(tar, "manifest.json", json.dumps(listed).encode())
    return path
