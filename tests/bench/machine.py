"""The machine in a line, and figures of its processes."""

import os
import platform
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def describe() -> str:
    """CPU, cores, memory, kernel and load: what a figure is worth nothing without."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"machine: {os.cpu_count()} × {model}, {memory:.1f} GiB, Linux {platform.release()}; load before: {load}"


def pss_mib(pids: list[int]) -> float:
    """Memory of processes with shared pages divided among their users (proc_pid_smaps_rollup(5)), MiB."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, its own threads' alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def written_kib(directory: Path) -> float | None:
    """KiB that the filesystem's device has been given to write, after all of it is written out; None: it has none.

    The figure counts every writer of the device (proc_diskstats(5), sectors of 512 bytes).
    """
    os.sync()
    device = os.stat(directory).st_dev
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        if (int(fields[0]), int(fields[1])) == (os.major(device), os.minor(device)):
            return int(fields[9]) / 2
    return None
