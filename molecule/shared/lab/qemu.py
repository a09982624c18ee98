"""How a virtual machine is started without hardware acceleration, and reached by ssh on loopback.

The kernel is started directly, from `vmlinuz` and `initrd.img`; the disk's first and only file system is the root. It
is slow: a program takes 5 to 30 times as long as on the host, and limits are generous.
"""

import os
import re
import socket
from pathlib import Path

BOOT_SECONDS = 900
COMMAND_LINE = "console=ttyS0 root=/dev/vda rw quiet mitigations=off net.ifnames=0 tsc=reliable no_timer_check"


def argv(files: Path, disk: str, port: int, *, memory: int = 4096, options: str = "") -> list[str]:
    """The command line of the machine.

    files: where the kernel and the initrd are, and where serial.log is written; disk: a drive's first options, as
    `file=…,format=…`; port: of loopback, for the machine's port 22; memory: MiB; options: of the kernel.
    """
    return [
        *("nice", "-n", "3", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-M", "q35"),
        *("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", str(os.cpu_count() or 1)),
        *("-m", str(memory), "-kernel", str(files / "vmlinuz"), "-initrd", str(files / "initrd.img")),
        *("-append", " ".join(filter(None, (COMMAND_LINE, _clock(), options)))),
        *("-drive", f"{disk},if=none,id=d0,cache=unsafe"),
        *("-device", "virtio-blk-pci,drive=d0", "-device", "virtio-rng-pci"),
        *("-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=n0"),
        *("-serial", f"file:{files / 'serial.log'}"),
    ]


def ssh(key: Path, port: int) -> list[str]:
    """What goes before a command of the machine's shell, run there as root."""
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=30")
    given = [word for option in options for word in ("-o", option)]
    return ["ssh", "-i", str(key), "-p", str(port), *given, "root@127.0.0.1"]


def free_port() -> int:
    """A port of loopback that nobody listened on just now."""
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
