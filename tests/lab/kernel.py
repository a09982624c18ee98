"""Kernel parameters of the machine that the kubelet checks and a lab node cannot set: set for the lab, then restored.

They have no namespace, and in a node /proc/sys is read-only but for the network's part.
"""

from pathlib import Path

WANTED = {"vm.overcommit_memory": "1", "kernel.panic": "10", "kernel.panic_on_oops": "1"}
"""What the kubelet's container manager sets, or, with protectKernelDefaults, insists on."""
LEAST = {"fs.inotify.max_user_instances": 8192, "fs.inotify.max_user_watches": 524288}
"""What all nodes of the machine share; they are one user to the kernel."""


def prepare() -> dict[str, str]:
    """Set them; returns what was changed, with the values from before."""
    before = {name: _path(name).read_text().strip() for name in (*WANTED, *LEAST)}
    wanted = {**WANTED, **{name: str(max(least, int(before[name]))) for name, least in LEAST.items()}}
    changed = {name: value for name, value in before.items() if value != wanted[name]}
    for name in changed:
        _path(name).write_text(wanted[name])
    return changed


def restore(before: dict[str, str]) -> None:
    """Put back what prepare has changed."""
    for name, value in before.items():
        _path(name).write_text(value)


def _path(name: str) -> Path:
    return Path("/proc/sys", name.replace(".", "/"))
