"""Inside the machine: what is looked at there, each part by its name. Runs with the machine's own Python.

python3 -m tests.vm.guest facts apparmor critest
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conformance import critest, expected
from tests.vm import kubelet, selinux, unified

SOCKET = "/run/orlop/orlop.sock"
NRI = "/run/nri/nri.sock"
RESULTS = Path("/srv/results")
SRC = Path(__file__).resolve().parents[2]


def facts() -> bool:
    """What machine this is."""
    for command in (
        "uname -r",
        "stat -f -c %T /sys/fs/cgroup",
        "systemctl is-active orlop",
        "cat /sys/module/apparmor/parameters/enabled",
        "cat /sys/kernel/security/lsm",
        "grep orlop /sys/kernel/security/apparmor/profiles",
        "runc --version | head -1; crun --version | head -1; conmon --version | head -1",
        f"{SRC}/.cache/bin/crictl --config /etc/crictl.yaml runtime-config",
    ):
        _say(command)
    return True


def suite(handler: str, *, focus: str = "") -> bool:
    """critest with one handler; whether it was as expected.toml lists it."""
    directory = RESULTS / (f"{handler}-focus" if focus else handler)
    directory.mkdir(parents=True, exist_ok=True)
    options = [f"--runtime-handler={handler}", f"--nri-socket={NRI}", *([f"--ginkgo.focus={focus}"] if focus else [])]
    limit = float(os.environ.get("LIMIT", "10000"))
    binary = SRC / ".cache/bin/critest"
    report = critest.run(binary, SOCKET, directory, *options, leave_out=expected.left_out(), time_limit=limit)
    if focus:
        report = critest.Report(report.passed, report.failed, {})
    print(f"critest, {handler}{', ' + focus if focus else ''}: {report.summary()}")
    for name, seconds in sorted(report.passed.items(), key=lambda item: -item[1])[:10]:
        print(f"  {seconds:7.1f} s  {name}")
    complaints = expected.complaints(report, handler, another_build=bool(focus))
    for line in complaints:
        print(f"  {line}")
    return not complaints


def verify() -> bool:
    """The daemon's own proof, with each handler."""
    return all(_say(f"/opt/orlop/venv/bin/orlop verify --handler {handler}") == 0 for handler in ("runc", "crun"))


def _say(command: str) -> int:
    print(f"$ {command}", flush=True)
    return subprocess.run(command, shell=True, check=False).returncode


PARTS = {
    "facts": facts,
    "verify": verify,
    "kubelet": kubelet.standalone,
    "apparmor": lambda: suite("runc", focus="AppArmor"),
    "runc": lambda: suite("runc"),
    "crun": lambda: suite("crun"),
    "unified": unified.memory_and_pressure,
    "selinux": lambda: all(suite(each, focus="SELinux") for each in ("runc", "crun")),
    "enforcing": selinux.confinement,
    "denials": selinux.denials,
}

if __name__ == "__main__":
    outcomes = {name: PARTS[name]() for name in sys.argv[1:] or PARTS.keys() - selinux.PARTS}
    print(json.dumps(outcomes))
    sys.exit(0 if all(outcomes.values()) else 1)
