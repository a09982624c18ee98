"""The node's file tree: a Debian base made once and kept, one copy per node. Starting it is in nodes and in virtual."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import places
from tools import Tools

SUITE = os.environ.get("ORLOP_LAB_SUITE") or "bookworm"
"""The Debian release of the nodes, by its code name."""
PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "iproute2", "ca-certificates")
"""As bare as a machine can be that is managed at all."""

INIT = """#!/bin/sh
# First process of a lab node: opens what nspawn keeps closed, then becomes systemd.
for hierarchy in /sys/fs/cgroup/*/; do mount -o remount,rw,bind "$hierarchy" 2>/dev/null; done
mkdir -p /dev/net
[ -e /dev/fuse ] || mknod -m 666 /dev/fuse c 10 229
[ -e /dev/kmsg ] || mknod -m 644 /dev/kmsg c 1 11
[ -e /dev/net/tun ] || mknod -m 666 /dev/net/tun c 10 200
mount --make-rshared /
exec /sbin/init
"""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
STATE = "var/lib/orlop"
"""Where containers' overlays are: they cannot lie on an overlay."""
PIP_SETTINGS = ("INDEX_URL", "EXTRA_INDEX_URL", "TRUSTED_HOST", "CERT", "DEFAULT_TIMEOUT", "FIND_LINKS", "PROXY")


def make(name: str, tools: Tools, *, more: tuple[str, ...] = ()) -> None:
    """A fresh tree for the node, with the host's way to packages; `more` packages than the barest."""
    home = places.node(name)
    if home.exists():
        raise places.LabError(f"{name} exists: destroy it first")
    base = _base(tools, (*PACKAGES, *more), f"machine-{SUITE}" if more else SUITE)
    home.mkdir(parents=True)
    root = home / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", base, root], check=True)
    (root / "etc/hostname").write_text(f"{name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {name}\n::1 localhost\n")
    # slirp4netns answers names here and asks the host's resolver.
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text("nameserver 10.0.2.3\n")
    _ways_to_packages(root)


def open_what_nspawn_closes(name: str) -> None:
    """Put in the first process of a node that systemd-nspawn starts."""
    init = places.node(name) / "root/lab-init"
    init.write_text(INIT)
    init.chmod(0o755)


def copy(name: str, like: str) -> None:
    """A tree that begins with another node's and shares what neither changes; the other one must stay stopped."""
    home, base = places.node(name), places.node(like) / "root"
    if home.exists():
        raise places.LabError(f"{name} exists: destroy it first")
    if not base.is_dir():
        raise places.LabError(f"there is no node {like} to begin with")
    root, upper, work = (home / part for part in ("root", "upper", "work"))
    for directory in (root, upper, work):
        directory.mkdir(parents=True)
    layers = f"lowerdir={base},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
    (root / "etc/hostname").write_text(f"{name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {name}\n::1 localhost\n")
    if (root / STATE).is_dir():
        subprocess.run(["cp", "-a", root / STATE, home / "state"], check=True)
        subprocess.run(["mount", "--bind", home / "state", root / STATE], check=True)


def _base(tools: Tools, packages: tuple[str, ...], kind: str) -> Path:
    """The base tree of this kind, made again when its recipe changes."""
    sources = _apt_sources()
    recipe = "\n".join([SUITE, *packages, *sources])
    base = places.cache() / f"{kind}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if base.is_dir():
        return base
    for old in places.cache().glob(f"{kind}-*"):
        shutil.rmtree(old)
    unfinished = base.with_name(f"unfinished-{base.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    argv = [tools.locate("mmdebstrap"), "--quiet", "--mode=root", "--variant=minbase", "--format=directory"]
    argv += [f"--include={','.join(packages)}", *(f"--aptopt={option}" for option in _apt_options()), SUITE, unfinished]
    if sources:  # it takes them as text on its standard input
        argv.append("-")
    subprocess.run(argv, env=tools.environment("mmdebstrap"), input="\n".join(sources), text=True, check=True)
    unfinished.rename(base)
    return base


def _apt_sources() -> list[str]:
    """The host's own sources of Debian, for the nodes' release, where it has them; else mmdebstrap's default."""
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian" or "VERSION_CODENAME" not in release:
        return []
    candidates = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    texts = (path.read_text() for path in candidates if path.is_file())
    theirs = release["VERSION_CODENAME"]
    return [text.replace(theirs, SUITE) for text in texts if theirs in text][:1]


def _apt_options() -> list[Path]:
    """The host's apt settings that say how to reach packages, not what to do with them."""
    telling = re.compile(r"^\s*Acquire(::|\s*\{)", re.MULTILINE)
    found = Path("/etc/apt/apt.conf.d").glob("*")
    return sorted(path for path in found if path.is_file() and telling.search(path.read_text(errors="replace")))


def _ways_to_packages(root: Path) -> None:
    """The host's certificates, and its settings of pip and apt; they are the machine's, never the repository's."""
    shutil.copyfile(CERTIFICATES, root / CERTIFICATES.lstrip("/"))
    for path in _apt_options():
        shutil.copyfile(path, root / "etc/apt/apt.conf.d" / path.name)
    host = Path("/etc/pip.conf")
    lines = host.read_text().splitlines() if host.is_file() else []
    lines.append("[global]") if not any(line.startswith("[global]") for line in lines) else None
    for setting in PIP_SETTINGS:
        value = os.environ.get(f"PIP_{setting}")
        option = setting.lower().replace("_", "-")
        if value and not any(line.startswith(option) for line in lines):
            lines.insert(lines.index("[global]") + 1, f"{option} = {value}")
    (root / "etc/pip.conf").write_text("\n".join(lines) + "\n")
    _copy_local_wheels(root)


def _copy_local_wheels(root: Path) -> None:
    for place in os.environ.get("PIP_FIND_LINKS", "").split():
        if place.startswith("/") and Path(place).is_dir():
            shutil.copytree(place, root / place.lstrip("/"), dirs_exist_ok=True)
