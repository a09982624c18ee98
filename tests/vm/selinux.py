"""SELinux: whose label the daemon and containers have, what keeps them apart when it enforces, and what is refused."""

import os
import re
import subprocess
from pathlib import Path

from tests.vm.pods import crictl, pod_file, running, sh

OPTIONS = "security=selinux selinux=1 enforcing=0 audit=1"
"""Of the kernel; the disk is labelled."""
PARTS = frozenset({"selinux", "enforcing", "denials"})
"""Of the guest, which need that kernel."""
VOLUME = Path("/srv/volume")
POLICY = "containers"


def confinement() -> bool:
    """All of it; AssertionError where it is otherwise."""
    _run("setenforce 1")
    daemon = _run("systemctl show -p MainPID --value orlop")
    domain = Path(f"/proc/{daemon}/attr/current").read_text().strip("\0\n")
    print(f"  the daemon: {domain}")
    assert ":system_r:container_runtime_t:" in domain
    for handler in ("runc", "crun"):
        _apart(handler)
    _asked()
    _without_types()
    return True


def _apart(handler: str) -> None:
    """A volume of one pod is closed to another, and the node's files to both."""
    VOLUME.mkdir(exist_ok=True)
    (VOLUME / "file").write_text("the pod's own\n")
    mine = {"host_path": str(VOLUME), "container_path": "/volume", "selinux_relabel": True}
    others = [{**mine, "selinux_relabel": False}, {"host_path": "/etc/passwd", "container_path": "/passwd"}]
    with running(f"owner-{handler}", handler=handler, mounts=[mine]) as owner:
        label = sh(owner, "cat /proc/self/attr/current").strip("\0")
        assert re.search(r":system_r:container_t:s0:c\d+,c\d+$", label), label
        assert sh(owner, "cat /volume/file; echo more >> /volume/file; cat /volume/file").endswith("more")
        on_disk = os.getxattr(VOLUME / "file", "security.selinux").decode().strip("\0")
        assert on_disk.rpartition(":s0")[2] == label.rpartition(":s0")[2], (on_disk, label)
        with running(f"stranger-{handler}", handler=handler, mounts=others) as stranger:
            said = sh(stranger, "cat /volume/file /passwd; ls /volume; cat /proc/self/attr/current").strip("\0")
            print(f"  {handler}: {label} wrote a file labelled {on_disk}")
            print("\n".join(f"  {handler}, another pod: {line}" for line in said.splitlines()))
            assert said.count("Permission denied") == 3, said


def _asked() -> None:
    """A type by its name, and one that no policy has."""
    options = {"security_context": {"selinux_options": {"type": "spc_t", "level": "s0"}}}
    with running("asked", pod=options) as container:
        assert ":system_r:spc_t:s0" in sh(container, "cat /proc/self/attr/current")
        assert "root" in sh(container, "cat /proc/1/environ >/dev/null; cat /etc/passwd /proc/mounts")
    _refused({"security_context": {"selinux_options": {"level": "s9:c1"}}}, "object_r:container_file_t:s9:c1' cannot")
    try:
        with running("unknown", pod={"security_context": {"selinux_options": {"type": "no_such_t"}}}):
            raise AssertionError("a type that no policy has was no error")
    except AssertionError as error:
        print(f"  refused: {str(error).splitlines()[0]}")
        assert "system_u:system_r:no_such_t:s0" in str(error) and "loaded policy (default)" in str(error)


def _without_types() -> None:
    """The policy as Debian has it: it names container_file_t for containers, but does not have it."""
    _run("setenforce 0")  # with its type the daemon's domain goes
    _run(f"semodule -d {POLICY}")
    _run("systemctl restart orlop")
    _refused({}, "object_r:container_file_t:s0:c")


def _refused(linux: dict[str, object], words: str) -> None:
    done = crictl("runp", pod_file("refused", linux))
    print(f"  refused: {done.stdout.strip().splitlines()[-1]}")
    assert done.returncode != 0 and words in done.stdout and "loaded policy (default)" in done.stdout


def denials() -> bool:
    """What the policy has denied since the boot, each once: for the eye."""
    found = set(re.findall(r"avc: +denied +(\{.*?\}).*?scontext=(\S+) tcontext=(\S+) tclass=(\w+)", _run("dmesg")))
    for line in sorted({f"{perms} {_type(source)} {_type(target)}:{kind}" for perms, source, target, kind in found}):
        print(f"  denied: {line}")
    return True


def _type(context: str) -> str:
    return context.split(":")[2]


def _run(command: str) -> str:
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout.strip()
