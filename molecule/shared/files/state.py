"""What a machine holds beside its packages: files, links, interfaces, firewall, cgroups, mounts, kernel parameters.

state.py take FILE       note it
state.py compare FILE    print what is there now and was not, or the other way round; the status is then 1
"""

import glob
import json
import os
import subprocess
import sys

# Written by the machine itself, by apt, or by Ansible's own modules: none of them is the roles' doing.
NOT_OURS = (
    "/dev/",
    "/etc/ld.so.cache",
    "/etc/networks",
    "/proc/",
    "/root/",
    "/run/",
    "/sys/",
    "/tmp/",
    "/usr/lib/python3/dist-packages/__pycache__",
    "/var/cache/",
    "/var/lib/apt/",
    "/var/lib/dpkg/",
    "/var/lib/systemd/",
    "/var/lib/ucf/",
    "/var/log/",
    "/var/tmp/",
)
OURS_IN_RUN = ("orlop", "netns", "nri", "plain")


def main() -> None:
    """Take or compare."""
    verb, path = sys.argv[1:]
    state = take()
    if verb == "take":
        with open(path, "w", encoding="utf-8") as opened:
            json.dump(state, opened)
        return
    with open(path, encoding="utf-8") as opened:
        before = json.load(opened)
    lines = [line for name in state for line in compared(name, before[name], state[name])]
    print("\n".join(lines) or "The machine is as it was.")
    sys.exit(1 if lines else 0)


def take() -> dict[str, list[str]]:
    """Sorted lines by kind."""
    return {
        "file": sorted(files() - packaged()),
        "in /run": sorted(name for name in OURS_IN_RUN if glob.glob(f"/run/{name}/*")),
        "interface": sorted(os.listdir("/sys/class/net")),
        "firewall": sorted(firewall()),
        "mount": sorted(line.split()[4] for line in lines_of("/proc/self/mountinfo") if "orlop" in line),
        "cgroup": sorted(place for place, _, _ in os.walk("/sys/fs/cgroup") if "orlop" in place),
        "process": sorted(processes()),
        "parameter": [f"{name} = {value}" for name, value in sorted(parameters())],
    }


def compared(name: str, before: list[str], after: list[str]) -> list[str]:
    """Lines that came and lines that went."""
    came = [f"+ {name}: {line}" for line in after if line not in set(before)]
    went = [f"- {name}: {line}" for line in before if line not in set(after)]
    return came + went


def files() -> set[str]:
    """Every file, link and directory of the root file system that a role could have written."""
    found = set()
    for place, directories, names in os.walk("/"):
        directories[:] = [each for each in directories if not os.path.ismount(os.path.join(place, each))]
        found |= {os.path.join(place, each) for each in (*directories, *names)}
    return {path for path in found if not path.startswith(NOT_OURS) and "__pycache__" not in path}


def packaged() -> set[str]:
    """Paths of installed packages: these stay, and the report of the removal says so. /usr is one tree, merged."""
    listed = {line for path in glob.glob("/var/lib/dpkg/info/*.list") for line in lines_of(path)}
    merged = {f"/usr{path}" for path in listed if path.startswith(("/bin", "/lib", "/sbin"))}
    # Alternatives, and what packages' own scripts make.
    made = {path for path in files() if path.startswith(("/etc/alternatives/", "/etc/ssl/certs/"))}
    linked = {path for path in files() if os.path.islink(path) and os.readlink(path).startswith("/etc/alternatives/")}
    return listed | merged | made | linked


def firewall() -> list[str]:
    """Rules of every table."""
    argv = ["iptables-save"]
    try:
        told = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return []
    return [line for line in told.splitlines() if line.startswith("-A")]


def processes() -> list[str]:
    """Those of the runtime, by name."""
    names = []
    for path in glob.glob("/proc/[0-9]*/comm"):
        name = "".join(lines_of(path))
        if name in {"conmon", "orlopd", "catatonit", "runc", "crun"}:
            names.append(name)
    return names


def parameters() -> list[tuple[str, str]]:
    """Kernel parameters that roles may set."""
    names = [*glob.glob("/proc/sys/net/core/*"), *glob.glob("/proc/sys/net/ipv4/ip_*")]
    names += [*glob.glob("/proc/sys/fs/inotify/*"), "/proc/sys/kernel/panic", "/proc/sys/vm/overcommit_memory"]
    found = [(name, " ".join(lines_of(name))) for name in names]
    return [(name, value) for name, value in found if value]


def lines_of(path: str) -> list[str]:
    """A file's lines, none where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as opened:
            return opened.read().splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    main()
