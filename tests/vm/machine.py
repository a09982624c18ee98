"""The machine: qemu without hardware acceleration, ssh on a free port of loopback. It is slow; limits are generous."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.vm.tools import place

BOOT_LIMIT = 600.0
COMMAND_LINE = "console=ttyS0 root=/dev/vda rw quiet mitigations=off net.ifnames=0 tsc=reliable no_timer_check"


class Machine:
    """One boot of the disk; what it writes goes into an overlay file, which is thrown away."""

    def __init__(self, *, kernel_options: str = "audit=0", memory: int = 4096) -> None:
        self._options, self._memory = kernel_options, memory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    def __enter__(self) -> Self:
        overlay = place("overlay.qcow2")
        overlay.unlink(missing_ok=True)
        make = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(place("disk.raw")), str(overlay)]
        subprocess.run(make, check=True)
        self._process = subprocess.Popen(self._argv(overlay), stdin=subprocess.DEVNULL)
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        place("overlay.qcow2").unlink(missing_ok=True)

    def ssh(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the machine's shell as root; its output is captured, both streams in one."""
        return subprocess.run(
            [*self._ssh(), command], check=check, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def follow(self, command: str) -> int:
        """Run a command whose output goes where ours goes; its exit code."""
        return subprocess.run([*self._ssh(), command], check=False).returncode

    def fetch(self, path: str, target: Path) -> None:
        """Copy a file out of the machine."""
        with target.open("wb") as out:
            subprocess.run([*self._ssh(), f"cat {path}"], check=True, stdout=out)

    def _ssh(self) -> list[str]:
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=30")
        given = [word for option in options for word in ("-o", option)]
        return ["ssh", "-i", str(place("key")), "-p", str(self.port), *given, "root@127.0.0.1"]

    def _wait(self) -> None:
        deadline = time.monotonic() + BOOT_LIMIT
        while time.monotonic() < deadline:
            assert self._process is not None and self._process.poll() is None, "qemu has ended"
            if self.ssh("true", check=False).returncode == 0:
                return
            time.sleep(2)
        raise TimeoutError(f"no ssh after {BOOT_LIMIT:g} s: {place('serial.log')}")

    def _argv(self, overlay: Path) -> list[str]:
        return [
            *("nice", "-n", "3", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
            *("-M", "q35"),
            *("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", str(os.cpu_count() or 1)),
            *("-m", str(self._memory), "-kernel", str(place("vmlinuz")), "-initrd", str(place("initrd.img"))),
            *("-append", " ".join(filter(None, (COMMAND_LINE, _clock(), self._options)))),
            *("-drive", f"file={overlay},if=none,id=d0,cache=unsafe,format=qcow2"),
            *("-device", "virtio-blk-pci,drive=d0", "-device", "virtio-rng-pci"),
            *("-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{self.port}-:22", "-device", "virtio-net-pci,netdev=n0"),
            *("-serial", f"file:{place('serial.log')}"),
        ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _clock() -> str:
    """The rate of the machine's clock, which is this one's: on a busy machine the kernel measures it 25 times too low.

    Where this is a virtual machine itself, /proc/cpuinfo has the counter's rate; else that of the moment, and the
    kernel is left to itself.
    """
    cpuinfo = Path("/proc/cpuinfo").read_text()
    rate = re.search(r"^cpu MHz\s*: ([\d.]+)$", cpuinfo, re.MULTILINE)
    return f"tsc_early_khz={float(rate[1]) * 1000:.0f}" if rate and " hypervisor" in cpuinfo else ""
