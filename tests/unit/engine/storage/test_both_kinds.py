"""Layers as directories and as one mounted file, side by side: whatever a tar says, the same is seen, or refused."""

import contextlib
import io
import os
import stat
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.engine.storage import tar_headers
from orlop.engine.storage.erofs_write import ImageWriter
from orlop.engine.storage.extract import EntryError
from orlop.engine.storage.layer_mounts import IMAGE, why_not
from orlop.engine.storage.layer_tree import LayerTree
from orlop.engine.storage.packing import LayerFile
from orlop.engine.storage.tar_headers import TarError
from orlop.engine.storage.tar_stream import TarStream
from orlop.engine.storage.unpacking import Blob, unpack
from orlop.linux import mounts
from orlop.linux.erofs import mount_image
from orlop.model.errors import InvalidArgument
from tests.fakes.images import Device, Dir, HardLink, Link, sha256, tar_bytes

PARTS = st.sampled_from(
    ["a", "b", "d", "l", "..", ".", ".wh.a", ".wh.d", ".wh..wh..opq", ".wh.l", "", "n" * 255, "x\udcff"]
)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from([tarfile.REGTYPE] * 3 + [tarfile.DIRTYPE] * 2 + [tarfile.SYMTYPE] * 2 + [
    tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])  # fmt: skip
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["user.a", "trusted.b", "trusted.overlay.opaque", "security.selinux", "nothing.at.all"]),
    st.text("xyz", max_size=9),
    max_size=2,
)
ENTRIES = st.lists(st.tuples(KINDS, PATHS, PATHS, st.integers(0, 0o7777), ATTRIBUTES), max_size=12)


def tar_of(entries) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        for number, (kind, name, link, mode, attributes) in enumerate(entries):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime = kind, mode, 1_000_000 + number
            info.uid, info.gid = number % 2 * 70_000, number % 3 * 80_000
            info.linkname = link if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            info.devmajor, info.devminor = (1, 3 + number) if kind == tarfile.CHRTYPE else (0, 0)
            info.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in attributes.items()}
            data = b"%d" % number * number * 60 if kind == tarfile.REGTYPE else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def seen(root: Path, implicit) -> dict[str, tuple[object, ...]]:
    """All that a container could see of a layer."""
    found = {}
    for directory, directories, names in os.walk(os.fsencode(root)):
        for path in [directory, *(os.path.join(directory, name) for name in (*directories, *names))]:
            status = os.lstat(path)
            kind = stat.S_IFMT(status.st_mode)
            shown = os.fsdecode(path).removeprefix(str(root)) or "/"
            if kind == stat.S_IFCHR and not status.st_rdev:
                found[shown] = ("whiteout",)
                continue
            is_directory = kind == stat.S_IFDIR
            found[shown] = (
                oct(status.st_mode), status.st_uid, status.st_gid, status.st_rdev,
                0 if is_directory else status.st_nlink,
                0 if shown in implicit else status.st_mtime_ns,
                Path(os.fsdecode(path)).read_bytes() if kind == stat.S_IFREG else b"",
                os.readlink(path) if kind == stat.S_IFLNK else b"",
                {name: os.getxattr(path, name, follow_symlinks=False)
                 for name in os.listxattr(path, follow_symlinks=False)},
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def erofs(tmp_path_factory):
    """A directory whose filesystem can hold packed layers."""
    directory = tmp_path_factory.mktemp("erofs")
    if reason := why_not(str(directory)):
        pytest.skip(reason)
    return directory


async def outcome(home: Path, tar: bytes, *, base: bool, packed: bool):
    """What one kind of layer makes of a tar: what is seen, or "refused"."""

    async def chunks():
        yield tar

    root = home / "root"
    root.mkdir(parents=True)
    blob = Blob(digest=sha256(tar), size=len(tar), diff_id=sha256(tar))
    try:
        result = await unpack(blob, chunks(), str(home if packed else root), base=base, packed=packed)
    except InvalidArgument:
        return "refused"
    if packed:
        mount_image(str(home / IMAGE), str(root))
    try:
        return seen(root, result.implicit)
    finally:
        mounts.unmount(str(root))


@pytest.mark.root
@settings(max_examples=25)
@given(entries=ENTRIES, base=st.booleans())
async def test_both_show_the_same_of_any_layer(erofs, entries, base):
    tar = tar_of(entries)
    with tempfile.TemporaryDirectory(dir=erofs) as directory:
        unpacked = await outcome(Path(directory, "unpacked"), tar, base=base, packed=False)
        assert await outcome(Path(directory, "packed"), tar, base=base, packed=True) == unpacked


def packed(directory: Path, tar: bytes) -> None:
    file = LayerFile(str(directory))
    file.write(tar)
    file.fill(TarStream(iter([tar])), base=False)


@given(st.data())
def test_damaged_layers_are_refused_or_packed(data):
    """Nothing else happens, whatever bytes are wrong: no other error, and nothing that does not end."""
    tar = bytearray(tar_of(data.draw(ENTRIES)))
    for _ in range(data.draw(st.integers(0, 4))):
        tar[data.draw(st.integers(0, len(tar) - 1))] = data.draw(st.integers(0, 255))
        at = data.draw(st.integers(0, len(tar) - 1)) // 512 * 512
        tar[at + 148 : at + 156] = b"%06o\0 " % (sum(tar[at : at + 148]) + 256 + sum(tar[at + 156 : at + 512]))
    with tempfile.TemporaryDirectory() as directory, contextlib.suppress(EntryError, TarError):
        packed(Path(directory), bytes(tar[: len(tar) // 512 * 512]))


@pytest.mark.root
async def test_a_directory_that_is_whited_out_and_not_listed(tmp_path):
    """A whiteout hides what is below, and the layer's own files come all the same."""
    tar = tar_bytes({".wh.d": b"", "d/x": b"1"})
    for is_packed in (False, True) if not why_not(str(tmp_path)) else (False,):
        found = await outcome(tmp_path / str(is_packed), tar, base=False, packed=is_packed)
        assert found["/d"][-1] == {"trusted.overlay.opaque": b"y"} and "/d/x" in found


@pytest.mark.root
async def test_large_directories_long_names_and_attributes(tmp_path, erofs):
    """What fills several blocks of an image: its directories, long targets of links, attributes, device numbers."""
    entries = {f"many/{'n' * (number % 240)}{number}": b"%d" % number for number in range(3000)}
    entries |= {"long": Link("t/" * 2000), "same": HardLink("many/0"), "d/": Dir(xattrs={"user.big": b"v" * 3000})}
    entries |= {"disk": Device(kind="b", major=4095, minor=1048575, mode=0o600)}
    tar = tar_bytes(entries)
    unpacked = await outcome(tmp_path / "unpacked", tar, base=True, packed=False)
    assert await outcome(tmp_path / "packed", tar, base=True, packed=True) == unpacked
    assert len(unpacked) == 3000 + 6


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (tar_headers.Entry(b"0", b"x" * 256), "File name too long"),
        (tar_headers.Entry(b"0", b"/".join([b"x" * 256, b"a"])), "File name too long"),
        (tar_headers.Entry(b"2", b"l"), "No such file"),
        (tar_headers.Entry(b"9", b"x"), "unknown type"),
    ],
)
def test_what_no_kernel_would_make(entry, text):
    with pytest.raises(EntryError, match=text):
        LayerTree(base=False).add(entry, 0)


def test_what_a_layer_takes_in_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("orlop.engine.storage.layer_tree.MAX_NODES", 10)
    tree = LayerTree(base=False)
    with pytest.raises(EntryError, match="more than 10 files"):
        for number in range(20):
            tree.add(tar_headers.Entry(b"0", b"%d" % number), 0)
    monkeypatch.setattr("orlop.engine.storage.layer_tree.MAX_BYTES", 1 << 20)
    tree = LayerTree(base=False)
    with pytest.raises(EntryError, match="more than 1 MiB"):
        for number in range(9):
            tree.add(tar_headers.Entry(b"2", b"%d" % number, link=b"x" * 200_000), 0)
    tree = LayerTree(base=False)
    with pytest.raises(EntryError, match="more than 1 MiB"):
        for number in range(9):  # a piece takes a few bytes in the archive, and much more here
            sparse = tar_headers.Entry(b"0", b"%d" % number)
            sparse.sparse = [(0, 0)] * 2000
            tree.add(sparse, 0)


def test_a_sparse_file_of_exabytes_is_refused(tmp_path):
    entry = tar_headers.Entry(b"0", b"huge")
    entry.full_size, entry.sparse = 1 << 61, [(number << 50, 1) for number in range(2000)]
    entry.size = 2000
    tree = LayerTree(base=False)
    tree.add(entry, 4096)
    with open(tmp_path / "image", "w+b") as file:
        file.truncate(8192)
        with pytest.raises(EntryError, match="larger than 2 TiB"):
            ImageWriter(file.fileno(), tree, 8192).write()
