"""Layers unpacked by the real worker: everything a tar can hold, and everything that must not get out or stay.

Each runs for a directory tree and for one file that is mounted (images.layers): what is seen must be the same.
"""

import os
import platform
import resource
import stat
import subprocess
import sys

import pytest

from orlop.aio.reaper import Reaper
from orlop.engine.storage import unpacking
from orlop.engine.storage.layer_mounts import IMAGE, why_not
from orlop.engine.storage.unpacking import Blob, Unpacked, compression, unpack
from orlop.linux import mounts
from orlop.linux.erofs import mount_image
from orlop.model.errors import DataLoss, InvalidArgument
from tests.fakes.images import COMPRESSORS, Device, Dir, File, HardLink, Link, sha256, tar_bytes
from tests.harness import descriptors

pytestmark = pytest.mark.root


CAPABILITY = bytes.fromhex("0100000200040000" + "00" * 12)
"""vfs_cap_data, revision 2: cap_net_bind_service, effective."""


async def chunks(data: bytes, size: int = 50_000):
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def unpacked(directory, entries, *, kind="gzip", base=False, tar=None) -> Unpacked:
    tar = tar_bytes(entries) if tar is None else tar
    blob = COMPRESSORS[kind](tar)
    layer = Blob(digest=sha256(blob), size=len(blob), diff_id=sha256(tar))
    if not is_packed(directory):
        return await unpack(layer, chunks(blob), str(directory), base=base)
    result = await unpack(layer, chunks(blob), str(directory.parent), base=base, packed=True)
    mount_image(str(directory.parent / IMAGE), str(directory))
    return result


def is_packed(directory) -> bool:
    return directory.name == "mounted"


@pytest.fixture(params=["unpacked", "erofs"])
def root(tmp_path, request):
    """Where the layer's files will be seen; the directory above is where a packed layer's file is written."""
    if request.param == "erofs" and (reason := why_not(str(tmp_path))):
        pytest.skip(reason)
    home = tmp_path / "home"
    path = home / ("mounted" if request.param == "erofs" else "root")
    path.mkdir(parents=True)
    (home / "outside").write_text("not the layer's")
    yield path
    mounts.unmount(str(path))


def opaque(path) -> bool:
    return "trusted.overlay.opaque" in os.listxattr(path)


def is_whiteout(path) -> bool:
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


@pytest.mark.parametrize("kind", ["gzip", "zstd", "none"])
async def test_files_with_all_that_belongs_to_them(root, kind):
    entries = {
        "./": Dir(mode=0o711, uid=3),
        "./bin": Dir(mode=0o750, uid=1, gid=2, mtime=1000.5),
        "bin/sh": File(b"#!" * 500_000, mode=0o4755, uid=10, gid=20, mtime=1.123456789),
        "bin/bash": HardLink("bin/sh"),
        "bin/abs": HardLink("/bin/sh"),
        "link": Link("/bin/sh", uid=7, gid=8, mtime=77),
        "null": Device(kind="c", major=1, minor=3, mode=0o666),
        "disk": Device(kind="b", major=8, minor=1, mode=0o660, gid=6),
        "fifo": Device(kind="p", mode=0o622),
        "marked": File(b"x", xattrs={"user.note": b"hello", "security.capability": CAPABILITY}),
    }
    result = await unpacked(root, entries, kind=kind)
    shell = (root / "bin/sh").stat()
    assert (shell.st_mode, shell.st_uid, shell.st_gid, shell.st_nlink) == (stat.S_IFREG | 0o4755, 10, 20, 3)
    assert (root / "bin/sh").read_bytes() == b"#!" * 500_000
    assert shell.st_mtime_ns // 100 == 11_234_567
    folder = (root / "bin").stat()
    assert (folder.st_mode, folder.st_uid, folder.st_gid) == (stat.S_IFDIR | 0o750, 1, 2)
    assert folder.st_mtime == 1000.5, "though files came into it later"
    link = (root / "link").lstat()
    assert (os.readlink(root / "link"), link.st_uid, link.st_gid, link.st_mtime) == ("/bin/sh", 7, 8, 77)
    assert (root / "null").stat().st_rdev == os.makedev(1, 3)
    assert (root / "null").stat().st_mode == stat.S_IFCHR | 0o666
    assert (root / "disk").stat().st_mode == stat.S_IFBLK | 0o660
    assert (root / "fifo").stat().st_mode == stat.S_IFIFO | 0o622
    assert os.getxattr(root / "marked", "user.note") == b"hello"
    assert "security.capability" in os.listxattr(root / "marked")
    assert stat.S_IMODE(root.stat().st_mode) == 0o711
    if is_packed(root):
        assert (result.inodes, result.size) == (1, (root.parent / IMAGE).stat().st_blocks * 512)
    else:
        assert (result.inodes, result.size) == (7, 4096 + 1_003_520 + 4096)
    assert result.implicit == []


async def test_a_directory_hands_its_group_down_to_nothing(root):
    """Debian's /usr/local/lib/python3 is root:staff with the set-group-ID bit, what is in it root's."""
    entries = {"d/": Dir(mode=0o2775, gid=50), "d/file": b"", "d/link": Link("file"), "d/sub": Dir()}
    await unpacked(root, entries)
    assert [(root / "d" / name).lstat().st_gid for name in ("file", "link", "sub")] == [0, 0, 0]
    assert stat.S_IMODE((root / "d/sub").stat().st_mode) == 0o755


async def test_names_of_any_bytes(root):
    name = "new\nline \udcff " + "x" * 150 + "/" + "y" * 255
    await unpacked(root, {name: b"1"})
    assert (root / name).read_bytes() == b"1"


async def test_absolute_names_mean_the_layers_root(root):
    await unpacked(root, {"/etc/motd": b"in"})
    assert (root / "etc/motd").read_bytes() == b"in"


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "./../outside", "/..", "a/../.."])
async def test_names_that_climb_out_are_refused(root, name):
    with pytest.raises(InvalidArgument, match="leads out of the layer's root") as error:
        await unpacked(root, {"a": Dir(), name: b"evil"})
    assert name in str(error.value)
    assert (root.parent / "outside").read_text() == "not the layer's"


@pytest.mark.parametrize("target", ["../outside", "../../../../etc/passwd"])
async def test_hard_links_that_climb_out_are_refused(root, target):
    with pytest.raises(InvalidArgument, match=r"hard link 'evil' to '.*' leads out of the layer's root"):
        await unpacked(root, {"evil": HardLink(target)})


async def test_a_hard_link_to_what_the_layer_lacks(root):
    with pytest.raises(InvalidArgument, match=r"hard link 'a' to '/etc/shadow', which the layer does not have"):
        await unpacked(root, {"a": HardLink("/etc/shadow")})


@pytest.mark.parametrize("target", ["/", "..", "../../../..", "/proc/self/root", "/tmp"])
async def test_symbolic_links_do_not_lead_out(root, target):
    """A link is kept as it is, and what is written through it lands inside the layer."""
    await unpacked(root, {"way": Link(target), "way/orlop-escape": b"1", "tmp/x": b"2"})
    assert os.readlink(root / "way") == target
    for outside in ("/orlop-escape", "/tmp/orlop-escape", str(root.parent / "orlop-escape")):
        assert not os.path.lexists(outside)  # noqa: ASYNC240  # a test has nothing else to do
    found = [os.path.join(path, name) for path, _, names in os.walk(root) for name in names]
    assert sum(name.endswith("orlop-escape") for name in found) == 1


async def test_parents_that_are_links_are_followed_inside(root):
    links = {"var/run": Link("/run"), "usr/lib64": Link("../lib64")}
    await unpacked(root, {**links, "run": Dir(), "var/run/app/pid": b"1", "usr/lib64/ld": b"2"})
    assert (root / "run/app/pid").read_bytes() == b"1"
    assert (root / "lib64/ld").read_bytes() == b"2"


async def test_a_loop_of_links_names_the_entry(root):
    with pytest.raises(InvalidArgument, match="entry 'a/file': Too many levels of symbolic links"):
        await unpacked(root, {"a": Link("b"), "b": Link("a"), "a/file": b""})


async def test_a_file_is_no_directory(root):
    with pytest.raises(InvalidArgument, match="entry 'f/x': Not a directory"):
        await unpacked(root, {"f": b"", "f/x": b""})


async def test_later_entries_replace_earlier_ones(root):
    first = {"a": b"file", "b/c": b"", "link": Link("a"), "d": Dir(mode=0o700), "d/kept": b"", "e": b"1"}
    # Spelled differently, since a mapping holds a name once.
    then = {"a/": Dir(), "b/": b"file now", "link/": Dir(), "d/": Dir(mode=0o755), "./e": Link("b"), "x": HardLink("b")}
    last = {"./b": HardLink("b"), "././e": b"2"}
    await unpacked(root, {**first, **then, **last})
    assert (root / "a").is_dir() and (root / "d/kept").exists() and (root / "d").stat().st_mode & 0o777 == 0o755
    assert (root / "b").read_bytes() == b"file now"
    assert (root / "e").read_bytes() == b"2" and not (root / "e").is_symlink()
    assert (root / "link").is_dir() and not (root / "link").is_symlink()


async def test_whiteouts_become_the_kernels(root):
    await unpacked(root, {"d": Dir(), "d/.wh.gone": b"", "o/.wh..wh..opq": b"", "o/new": b"", ".wh..wh.plnk": Dir()})
    assert is_whiteout(root / "d/gone")
    assert opaque(root / "o") and not opaque(root / "d")
    assert sorted(os.listdir(root)) == ["d", "o"]


@pytest.mark.parametrize("first", ["whiteout", "entry"])
async def test_a_whiteout_hides_only_what_is_below(root, first):
    """Whether it comes before or after what its own layer puts there."""
    hidden, brought = {".wh.file": b"", ".wh.dir": b""}, {"file": b"new", "dir": Dir(), "dir/x": b""}
    await unpacked(root, {**hidden, **brought} if first == "whiteout" else {**brought, **hidden})
    assert (root / "file").read_bytes() == b"new"
    assert (root / "dir/x").exists() and opaque(root / "dir")


async def test_a_base_layer_has_nothing_to_hide(root):
    await unpacked(root, {"d/.wh.x": b"", ".wh..wh..opq": b"", "f": b""}, base=True)
    assert os.listdir(root / "d") == [] and not opaque(root)


@pytest.mark.parametrize("name", [".wh.", ".wh...", "d/.wh.."])
async def test_a_whiteout_of_nothing(root, name):
    with pytest.raises(InvalidArgument, match="hides nothing"):
        await unpacked(root, {"d": Dir(), name: b""})


async def test_attributes_that_are_the_nodes_are_not_taken(root):
    xattrs = {"trusted.overlay.redirect": b"/etc", "trusted.overlay.opaque": b"y", "user.fine": b"1"}
    await unpacked(root, {"d": Dir(xattrs=xattrs), "f": File(b"", xattrs=xattrs)})
    for name in "df":
        assert os.listxattr(root / name) == ["user.fine"]


async def test_directories_that_are_not_listed_are_reported(root):
    result = await unpacked(root, {"a/b/c": b"", "a/d": b"", "e": Dir(), "e/f": b""})
    assert sorted(result.implicit) == ["/", "/a", "/a/b"]


async def test_more_of_them_than_an_answer_holds(root):
    parents = "/".join("p" * 250 for _ in range(12))
    with pytest.raises(InvalidArgument, match="more than 12582912 bytes of names"):
        await unpacked(root, {f"{parents}/{number}/f": b"" for number in range(4500)}, kind="none")


async def test_a_tree_deeper_than_calls_is_replaced(root):
    deep = "d/" * 1500
    await unpacked(root, {f"{deep}f": b"1", "d": b"a file now"})
    assert (root / "d").read_bytes() == b"a file now"


def test_paths_that_are_kept_are_bounded(tmp_path):
    """In a process of its own: the code unpacks into its root directory."""
    program = """
import os, sys
from orlop.engine.storage import extract, tar_stream
extract.MAX_REMEMBERED = 1000
data = sys.stdin.buffer.read()
os.chroot(sys.argv[1])
try:
    extract.Extractor(base=False).unpack(tar_stream.TarStream(iter([data])))
except extract.EntryError as error:
    sys.exit(str(error))
"""
    for entries in (
        {f"{number:090}": Dir() for number in range(20)},
        {f".wh.{number:086}": b"" for number in range(20)},
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            input=tar_bytes(entries),
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1 and b"more than 1000 bytes of names" in done.stderr


async def test_the_root_cannot_become_a_file(root):
    with pytest.raises(InvalidArgument, match="would replace the layer's root"):
        await unpacked(root, {"./": b"file"})


async def test_wrong_digests_and_sizes(root):
    tar = tar_bytes({"a": b"1"})
    blob = COMPRESSORS["gzip"](tar)
    right = {"digest": sha256(blob), "size": len(blob), "diff_id": sha256(tar)}
    for wrong, text in (
        ({"digest": sha256(b"")}, "wrong digest: expected sha256:e3b0"),
        ({"diff_id": sha256(b"")}, "wrong diff id: expected sha256:e3b0"),
        ({"size": 5}, f"has {len(blob)} bytes, its manifest says 5"),
    ):
        with pytest.raises(DataLoss, match=text):
            await unpack(Blob(**(right | wrong)), chunks(blob), str(root), base=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(("blob", "text"), [
    (b"\x1f\x8b\x08\0\0\0\0\0\0\3rubbish", "InflateError"),
    (b"no tar at all" * 100, "no tar header at its start"),
    (COMPRESSORS["gzip"](tar_bytes({"a": b"1" * 5000}))[:-20], "InflateError"),
])  # fmt: skip
async def test_rubbish(root, blob, text):
    with pytest.raises(InvalidArgument, match=text):
        await unpack(
            Blob(digest=sha256(blob), size=len(blob), diff_id=sha256(blob)), chunks(blob), str(root), base=True
        )


async def test_a_source_that_fails_ends_the_worker(root):
    async def broken():
        yield COMPRESSORS["gzip"](tar_bytes({"a": os.urandom(100_000)}))[:50_000]
        raise ConnectionResetError("pulled the plug")

    with pytest.raises(ConnectionResetError):
        await unpack(Blob(digest=sha256(b""), size=1, diff_id=sha256(b"")), broken(), str(root), base=True)


@pytest.mark.parametrize("free", [1, 3, 4])
async def test_too_few_descriptors_leave_none_open(tmp_path, free):
    layer = Blob(digest=sha256(b""), size=1, diff_id=sha256(b""))
    Reaper.current()  # it takes none at the first run
    with descriptors.only(free), pytest.raises(OSError, match="Too many open files"):
        await unpack(layer, chunks(tar_bytes({})), str(tmp_path), base=True)


async def test_a_worker_that_dies_is_told(root, monkeypatch):
    monkeypatch.setattr(unpacking.sys, "executable", "/bin/false")
    with pytest.raises(Exception, match="ended without an answer"):
        await unpacked(root, {"a": os.urandom(3_000_000)})


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "none"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x51\x2a\x4d\x18", "zstd"),
        (b"etc/", "none"),
    ],
)
def test_compression_is_seen_in_the_first_bytes(head, kind):
    assert compression(head) == kind


@pytest.mark.parametrize("tar", [None, b""])
async def test_empty_layers(root, tar):
    result = await unpacked(root, {}, tar=tar, kind="none")
    assert result.implicit == ["/"] and os.listdir(root) == []


async def test_a_sparse_file_stays_sparse(root, sparse_tar):
    await unpacked(root, {}, tar=sparse_tar)
    status = (root / "holes").stat()
    stored = (root.parent / IMAGE).stat() if is_packed(root) else status
    assert status.st_size == 100 << 20 and stored.st_blocks < 1000
    fd = os.open(root / "holes", os.O_RDONLY)
    assert os.pread(fd, 4, 50 << 20) == b"end\0"
    os.close(fd)


@pytest.fixture
def sparse_tar(tmp_path):
    with open(tmp_path / "holes", "wb") as file:
        file.seek(50 << 20)
        file.write(b"end")
        file.truncate(100 << 20)
    return subprocess.run(["tar", "-C", tmp_path, "-cS", "holes"], check=True, capture_output=True).stdout


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how memory is kept is told to glibc")
async def test_a_chunk_takes_over_the_memory_of_the_one_before(root):
    tar = tar_bytes({f"file{number}": os.urandom(16 << 10) + bytes(16 << 10) for number in range(1000)})
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    await unpacked(root, {}, tar=tar, base=True)
    faults = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before
    pages = len(tar) // resource.getpagesize()
    assert faults < pages * 2 / 3, "each chunk is written into memory that the kernel has just made"
