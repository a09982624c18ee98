"""Programs out of Debian packages, as entries of an image's layer: fetched by test.sh, never installed.

entries(["nginx", "libc6"], ["/usr/sbin/nginx"])     the program, and every shared library of both packages
"""

import subprocess
import tarfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from tests.fakes.images import Dir, Entry, File, HardLink, Link

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / ".cache" / "debs"
LIST = Path(__file__).with_name("packages.txt")


def missing() -> str:
    """The file of the first package of the list that is not there; empty when all are."""
    names = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]
    return next((f"{DIRECTORY}/{name}_*.deb" for name in names if not _found(name)), "")


def entries(packages: Iterable[str], programs: Collection[str]) -> dict[str, Entry]:
    """The named files (absolute paths) and all shared libraries of these packages, with the directories they need."""
    found: dict[str, Entry] = {}
    for package in packages:
        for member, data in _members(package):
            path = "/" + member.name.removeprefix("./")
            if not member.isdir() and (path in programs or _is_library(path)):
                found[path[1:]] = _entry(member, data)
    absent = [path for path in programs if path[1:] not in found]
    assert not absent, f"{absent} is in none of {list(packages)}"
    return {parent: Dir() for parent in _parents(found)} | found


def _found(package: str) -> Path | None:
    return next(DIRECTORY.glob(f"{package}_*.deb"), None)


def _members(package: str) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    deb = _found(package)
    assert deb is not None, f"{package} is not in {DIRECTORY}: call ./test.sh"
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as unpacking:
        with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                yield member, file.read() if file else b""
        assert unpacking.stdout is not None
        unpacking.stdout.read()  # the padding, without which dpkg-deb would end by SIGPIPE
    assert unpacking.returncode == 0, deb


def _is_library(path: str) -> bool:
    # The loader stands in /lib64; what lies deeper (gconv, engines, modules) nobody here loads.
    pure = PurePosixPath(path)
    return ".so" in pure.name and (pure.parent.parent.name == "lib" or str(pure.parent) in ("/lib64", "/lib"))


def _entry(member: tarfile.TarInfo, data: bytes) -> Entry:
    if member.issym():
        return Link(target=member.linkname)
    if member.islnk():
        return HardLink(target=member.linkname.removeprefix("./"))
    return File(data, mode=member.mode, uid=member.uid, gid=member.gid)


def _parents(paths: Iterable[str]) -> list[str]:
    return sorted({str(parent) for path in paths for parent in PurePosixPath(path).parents if str(parent) != "."})
