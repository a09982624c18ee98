"""The file tree of the images that need programs of the distribution: kube-proxy's and flannel's.

Unpacked from Debian's packages by mmdebstrap, with everything that they depend on; nothing of it is installed.
"""

import os
import shutil
import stat
from pathlib import Path

from tests.fakes.images import Dir, Entry, File, Link
from tests.lab.places import home, run

PACKAGES = ("busybox-static", "conntrack", "iptables", "kmod", "nftables")
KEEP = ("bin", "sbin", "lib", "lib64", "usr/bin", "usr/sbin", "usr/lib", "etc/ethertypes", "etc/protocols")
IPTABLES = ("iptables", "ip6tables")
SHELL = ("sh", "cp", "cat", "ls", "sleep")
"""What busybox gives the image: flannel's manifest copies files with cp."""


def network_tools() -> dict[str, Entry]:
    """Entries of a layer with iptables, nft and conntrack and a small shell."""
    tree = _tree()
    entries: dict[str, Entry] = {name: Dir() for name in ("etc", "run", "tmp", "var", "proc", "sys", "dev")}
    entries["etc/passwd"] = b"root:x:0:0:root:/:/bin/sh\n"
    for top in KEEP:
        _take(tree, tree / top, entries)
    # Alternatives, which no maintainer's script sets here: the kind that writes nftables, as on a Debian node.
    for family in IPTABLES:
        for suffix in ("", "-save", "-restore"):
            entries[f"usr/sbin/{family}{suffix}"] = Link(target="xtables-nft-multi")
    for applet in SHELL:
        entries[f"usr/bin/{applet}"] = Link(target="/bin/busybox")
    return entries


def _tree() -> Path:
    tree = home() / "packages"
    if not tree.is_dir():
        unfinished = tree.with_name("packages.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        include = f"--include={','.join(PACKAGES)}"
        run("mmdebstrap", "--quiet", "--mode=root", "--variant=extract", include, "bookworm", unfinished, *_sources())
        unfinished.rename(tree)
    return tree


def _sources() -> list[Path]:
    """The machine's own sources of Debian, where it has them; else mmdebstrap's default."""
    candidates = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return [path for path in candidates if path.is_file() and "bookworm" in path.read_text()][:1]


def _take(tree: Path, path: Path, entries: dict[str, Entry]) -> None:
    """Add what is at the path, whole."""
    if path.is_symlink() or path.is_file():
        _add(tree, path, entries)
        return
    for directory, names, files in os.walk(path):
        entries[str(Path(directory).relative_to(tree))] = Dir()
        for name in [*files, *(name for name in names if Path(directory, name).is_symlink())]:
            _add(tree, Path(directory, name), entries)


def _add(tree: Path, path: Path, entries: dict[str, Entry]) -> None:
    name = str(path.relative_to(tree))
    if path.is_symlink():
        entries[name] = Link(target=os.readlink(path))
    elif path.is_file():
        entries[name] = File(path.read_bytes(), mode=stat.S_IMODE(path.stat().st_mode))
