"""How a machine differs from its declaration: files, kernel settings, modules, units, versions. Changes nothing."""

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping

from orlop.node import installed
from orlop.node.differences import Difference
from orlop.node.plan import Plan
from orlop.node.rendered import RenderedFile

STATES = {"ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}
"""What systemd says of a unit that is as it was installed."""
MEMBERSHIP = "/etc/kubernetes/kubelet.conf"
"""There where the machine has joined a cluster; before, its kubelet does not run."""
SYSTEMD_FILES = "/etc/systemd/"

SIGNS = {"br_netfilter": "proc/sys/net/bridge", "nf_conntrack": "proc/sys/net/netfilter/nf_conntrack_max"}
"""Where the work of a module shows itself, also where it is built in."""


def drift(plan: Plan, *, root: str = "/") -> list[Difference]:
    """Every difference between the plan and the machine below `root`; an empty list is a node as declared.

    A file's contents are not told, for they may hold a password; `orlop node render` prints them.
    """
    systemd = os.path.isdir(os.path.join(root, "run/systemd/system"))
    found = [
        *_files(plan, root, systemd=systemd),
        *_sysctls(plan, root),
        *_modules(plan, root),
        *installed.versions(plan, root),
    ]
    return [*found, *_units(plan), *installed.running()] if systemd and root == "/" else found


def _files(plan: Plan, root: str, *, systemd: bool) -> Iterator[Difference]:
    for file in (file for part in plan.files.values() for file in part):
        # Where systemd does not run nothing reads its files, and none are written.
        if systemd or not file.path.startswith(SYSTEMD_FILES):
            yield from _file(file, os.path.join(root, file.path.lstrip("/")))


def _file(file: RenderedFile, path: str) -> Iterator[Difference]:
    try:
        with open(path, "rb") as opened:
            content = opened.read()
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
    except FileNotFoundError:
        yield Difference(kind="file", name=file.path, declared="there", found="missing")
        return
    except OSError as error:
        yield Difference(kind="file", name=file.path, declared="readable", found=error.strerror or str(error))
        return
    if content != file.content.encode():
        yield Difference(kind="file", name=file.path, declared="as rendered", found="changed")
    if mode != int(file.mode, 8):
        yield Difference(kind="file", name=file.path, declared=f"mode {file.mode}", found=f"mode {mode:04o}")


def _sysctls(plan: Plan, root: str) -> Iterator[Difference]:
    for name, value in plan.sysctls.items():
        path = os.path.join(root, "proc/sys", name if "/" in name else name.replace(".", "/"))
        try:
            with open(path, encoding="utf-8") as opened:
                found = " ".join(opened.read().split())
        except OSError as error:
            found = f"not there ({error.strerror})"
        if found != " ".join(value.split()):
            yield Difference(kind="sysctl", name=name, declared=value, found=found)


def _modules(plan: Plan, root: str) -> Iterator[Difference]:
    present = {*_filesystems(root), *_built_in(root)}
    for name in plan.modules:
        module = name.replace("-", "_")
        places = [f"sys/module/{module}", *([SIGNS[name]] if name in SIGNS else [])]
        if module not in present and not any(os.path.exists(os.path.join(root, place)) for place in places):
            yield Difference(kind="module", name=name, declared="loaded", found="not loaded")


def _filesystems(root: str) -> Iterator[str]:
    with open(os.path.join(root, "proc/filesystems"), encoding="utf-8") as opened:
        yield from (line.split()[-1] for line in opened if line.strip())


def _built_in(root: str) -> Iterator[str]:
    """Modules that are part of the running kernel, as far as its package says so (modules.builtin of kmod)."""
    try:
        with open(os.path.join(root, f"lib/modules/{os.uname().release}/modules.builtin"), encoding="utf-8") as opened:
            yield from (os.path.basename(line).partition(".")[0].replace("-", "_") for line in opened)
    except OSError:
        return


def _units(plan: Plan) -> Iterator[Difference]:
    yield from _unit("orlop.service", STATES)
    if plan.role != "none":
        joined = os.path.exists(MEMBERSHIP)
        yield from _unit("kubelet.service", {key: STATES[key] for key in STATES if joined or key != "ActiveState"})


def _unit(unit: str, wanted: Mapping[str, str]) -> Iterator[Difference]:
    argv = ["systemctl", "show", unit, "--property", ",".join(wanted)]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    states = dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)
    for name, declared in wanted.items():
        found = states.get(name) or told.stderr.strip() or "unknown"
        if found != declared:
            yield Difference(kind="unit", name=f"{unit} {name}", declared=declared, found=found)
