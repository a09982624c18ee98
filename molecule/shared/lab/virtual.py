"""A node that is a virtual machine: its own kernel, modules and parameters, and cgroup version 2 with systemd.

Debian's kernel for clouds, AppArmor as the distribution has it on by default, ssh; nothing else beforehand. nodes ends
it and takes it away.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import places
import processes
import qemu
import trees
from tools import Tools

PACKAGES = ("linux-image-cloud-amd64", "apparmor", "kmod", "openssh-server", "udev")
NEEDED = {
    "mke2fs": "e2fsprogs",
    "qemu-system-x86_64": "qemu-system-x86",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
"""Programs of the host, and Debian's packages of them."""
DISK = "8G"
NETWORK = """[Match]
Name=eth0
[Network]
DHCP=yes
"""
UNWANTED = ("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service")
"""What would work beside the test, on a machine that is slow as it is."""
SSH_CONFIG = """Host {name}
  HostName 127.0.0.1
  Port {port}
  User root
  IdentityFile {home}/key
  IdentitiesOnly yes
  HostKeyAlias {name}
  UserKnownHostsFile {home}/known_hosts
  StrictHostKeyChecking yes
  ConnectTimeout 120
"""


def create(name: str, tools: Tools) -> None:
    """Make the node, start it, and wait until systemd says that it is up."""
    for program, package in NEEDED.items():
        if not shutil.which(program, path=tools.path):
            raise places.LabError(f"{program} is missing: install {package}")
    trees.make(name, tools, more=PACKAGES)
    home = places.node(name)
    _settings(home / "root")
    _keys(name, home)
    _disk(home, tools)
    port = qemu.free_port()
    config = home / "ssh_config"
    config.write_text(SSH_CONFIG.format(name=name, port=port, home=home))
    argv = qemu.argv(home, f"file={home / 'disk.raw'},format=raw", port)
    started = processes.identity(processes.start(argv, {**os.environ, "PATH": tools.path}, home / "qemu.log"))
    places.remember(name, qemu=started, ssh_config=str(config))
    _wait_for_systemd(name, started)


def owns(name: str) -> bool:
    """Whether the node is of this kind."""
    return "qemu" in places.recall(name)


def enter(name: str, argv: list[str]) -> None:
    """Become a client of ssh; does not return."""
    command = _ssh(name)
    os.execvp(command[0], [*command, shlex.join(argv)])


def _ssh(name: str) -> list[str]:
    return ["ssh", "-F", places.recall(name)["ssh_config"], name]


def _settings(root: Path) -> None:
    (root / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 0\n")
    (root / "etc/systemd/network/10-eth0.network").write_text(NETWORK)
    for verb, units in (("enable", ("systemd-networkd", "ssh")), ("mask", UNWANTED)):
        subprocess.run(["chroot", root, "systemctl", "-q", verb, *units], check=True)


def _keys(name: str, home: Path) -> None:
    """A key of this node alone on either side, each known to the other."""
    hosts = home / "root/etc/ssh"
    for old in hosts.glob("ssh_host_*"):
        old.unlink()
    for path in (home / "key", hosts / "ssh_host_ed25519_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
    (home / "known_hosts").write_text(f"{name} {(hosts / 'ssh_host_ed25519_key.pub').read_text()}")
    authorized = home / "root/root/.ssh"
    authorized.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(home / "key.pub", authorized / "authorized_keys")


def _disk(home: Path, tools: Tools) -> None:
    """A disk with the tree, which is not needed after that; the kernel beside it."""
    for program in ("vmlinuz", "initrd.img"):
        [found] = (home / "root/boot").glob(f"{program}-*")
        shutil.copy(found, home / program)
    argv = [tools.locate("mke2fs"), "-q", "-t", "ext4", "-d", home / "root", home / "disk.raw", DISK]
    subprocess.run(argv, check=True)
    shutil.rmtree(home / "root")


def _wait_for_systemd(name: str, started: list[int]) -> None:
    """As for any node; qemu's end is told at once."""
    ready = "systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'"
    home = places.node(name)

    def ask() -> bool:
        if not processes.runs(started):
            raise places.LabError(f"qemu has ended: {(home / 'qemu.log').read_text()[-500:]}")
        done = subprocess.run([*_ssh(name), ready], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode == 0

    processes.wait(qemu.BOOT_SECONDS, ask, f"systemd of {name} did not come up; see {home / 'serial.log'}")
