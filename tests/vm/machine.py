"""The machine, started and reached as the lab's virtual nodes are (molecule/shared/lab/qemu.py), with image's disk."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.vm.tools import ROOT, place

sys.path.append(str(ROOT / "molecule/shared/lab"))  # a program's modules, in no package
import qemu


class Machine:
    """One boot of the disk; what it writes goes into an overlay file, which is thrown away."""

    def __init__(self, *, kernel_options: str = "audit=0", memory: int = 4096) -> None:
        self._options, self._memory = kernel_options, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._port = qemu.free_port()
        self._ssh = qemu.ssh(place("key"), self._port)

    def __enter__(self) -> Self:
        overlay = place("overlay.qcow2")
        overlay.unlink(missing_ok=True)
        make = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(place("disk.raw")), str(overlay)]
        subprocess.run(make, check=True)
        disk = f"file={overlay},format=qcow2"
        argv = qemu.argv(overlay.parent, disk, self._port, memory=self._memory, options=self._options)
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
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
            [*self._ssh, command], check=check, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def follow(self, command: str) -> int:
        """Run a command whose output goes where ours goes; its exit code."""
        return subprocess.run([*self._ssh, command], check=False).returncode

    def fetch(self, path: str, target: Path) -> None:
        """Copy a file out of the machine."""
        with target.open("wb") as out:
            subprocess.run([*self._ssh, f"cat {path}"], check=True, stdout=out)

    def _wait(self) -> None:
        deadline = time.monotonic() + qemu.BOOT_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None and self._process.poll() is None, "qemu has ended"
            if self.ssh("true", check=False).returncode == 0:
                return
            time.sleep(2)
        raise TimeoutError(f"no ssh after {qemu.BOOT_SECONDS} s: {place('serial.log')}")
