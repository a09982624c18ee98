"""The virtual machine's disk: Debian with systemd, this checkout installed as on a node, critest and its images.

Made once in .cache/vm: the distribution's part is kept as an archive, what is ours is put in anew for each run.
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests.conformance import images
from tests.conformance.test_critest import HOSTS, MIRROR
from tests.lab.programs import build, programs
from tests.parts.registry import Registry
from tests.parts.wheels import wheels
from tests.vm.tools import ROOT, place, run

PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "kmod", "openssh-server", "ca-certificates"),
    *("python3", "python3-venv"),
    *("linux-image-cloud-amd64", "apparmor", "attr", "iproute2", "iptables", "nftables", "procps", "conntrack"),
    *("conmon", "runc", "crun", "catatonit", "containerd", "containernetworking-plugins", "docker-registry"),
    *("busybox-static", "gpgv", "openssl", "util-linux"),
    *("selinux-policy-default", "selinux-utils", "policycoreutils"),
)
SIZE = "8G"
POLICY = ROOT / "tests/vm/containers.cil"
FILE_CONTEXTS = "/etc/selinux/default/contexts/files/file_contexts"
MINOR = "1.37"
"""Of the kubelet."""
SUDO = """#!/bin/sh
# The suite loads its AppArmor profiles by sudo, whoever it is.
exec "$@"
"""
REGISTRY_PORT = 5000
DECLARATION = """{"daemon": {
  "daemon": {"log_level": "debug"},
  "images": {"registries_conf": "/srv/registries.conf"},
  "nri": {"enabled": true}}}
"""
NETWORK = """[Match]
Name=eth0
[Network]
DHCP=yes
"""
REGISTRY_UNIT = """[Unit]
Description=registry of the suite's images
[Service]
ExecStart=/usr/bin/docker-registry serve /srv/registry/config.yml
[Install]
WantedBy=multi-user.target
"""
REGISTRY_CONFIG = """version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /srv/registry/data}}
http: {addr: '127.0.0.1:5000'}
"""


def make() -> None:
    """Make disk.raw, vmlinuz and initrd.img, and the key for ssh."""
    tree = place("tree")
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    run("tar", "-C", str(tree), "--xattrs", "--acls", "-xpf", str(_base()))
    _settings(tree)
    _key(tree)
    _ours(tree)
    _suite(tree)
    _label(tree)
    for name in ("vmlinuz", "initrd.img"):
        [found] = (tree / "boot").glob(f"{name}-*")
        shutil.copy(found, place(name))
    disk = place("disk.raw")
    disk.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(disk), SIZE)
    shutil.rmtree(tree)


def _base() -> Path:
    archive = place("base.tar")
    if not archive.exists():
        unfinished = place("base.new.tar")
        include = f"--include={','.join(PACKAGES)}"
        run("mmdebstrap", "--mode=root", "--variant=minbase", include, "bookworm", str(unfinished))
        unfinished.rename(archive)
    return archive


def _settings(tree: Path) -> None:
    (tree / "etc/hostname").write_text("vm\n")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost vm\n")
    (tree / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 0\n")
    (tree / "etc/systemd/network/10-eth0.network").write_text(NETWORK)
    for unit in ("systemd-networkd", "ssh"):
        run("chroot", str(tree), "systemctl", "-q", "enable", unit)
    # Debian starts these with their packages; here only the suite's own registry is wanted.
    for unit in ("containerd", "docker-registry", "apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_reap"):
        run("chroot", str(tree), "systemctl", "-q", "mask", unit)


def _key(tree: Path) -> None:
    key = place("key")
    if not key.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    home = tree / "root/.ssh"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(place("key.pub"), home / "authorized_keys")


def _ours(tree: Path) -> None:
    """The package built and installed in the tree without any index, and the node's files rendered by it."""
    source = tree / "srv/src"
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
    ).stdout
    source.mkdir(parents=True)
    listed = b"\0".join(name for name in tracked.split(b"\0") if name and (ROOT / os.fsdecode(name)).exists())
    run("tar", "-C", str(ROOT), "--null", "-T", "-", "-cf", str(place("source.tar")), given=listed)
    run("tar", "-C", str(source), "-xf", str(place("source.tar")))
    shutil.copytree(wheels(), tree / "srv/wheels")
    run("chroot", str(tree), "python3", "-m", "venv", "/opt/orlop/venv")
    pip = ("/opt/orlop/venv/bin/pip", "install", "-q", "--no-index", "--find-links=/srv/wheels", "/srv/src")
    run("chroot", str(tree), *pip)
    (tree / "srv/declaration.json").write_text(DECLARATION)
    render = ("node", "render", "--declaration=/srv/declaration.json", "--output=dir", "--directory=/")
    run("chroot", str(tree), "/opt/orlop/venv/bin/orlop", *render)
    run("chroot", str(tree), "systemctl", "-q", "enable", "orlop")


def _suite(tree: Path) -> None:
    """critest, crictl, a newer runc and a kubelet; the registry that stands in for upstream's."""
    [kubelet] = [program for program in programs(MINOR) if program.name == "kubelet"]
    build(kubelet, ROOT / ".cache/bin")
    shutil.copytree(ROOT / ".cache/bin", tree / "srv/src/.cache/bin")
    home = place("registry")
    shutil.rmtree(home, ignore_errors=True)
    with Registry(home) as registry:
        for name, image in images.made():
            registry.push(image, name.partition("/")[2])
    shutil.copytree(home, tree / "srv/registry")
    (tree / "srv/registry/config.yml").write_text(REGISTRY_CONFIG)
    (tree / "etc/systemd/system/images.service").write_text(REGISTRY_UNIT)
    run("chroot", str(tree), "systemctl", "-q", "enable", "images")
    sudo = tree / "usr/local/bin/sudo"
    sudo.write_text(SUDO)
    sudo.chmod(0o755)
    mirror = f"127.0.0.1:{REGISTRY_PORT}"
    (tree / "srv/registries.conf").write_text("".join(MIRROR.format(host=host, mirror=mirror) for host in HOSTS))


def _label(tree: Path) -> None:
    """The policy of containers, and SELinux's labels for all files: by default the machine boots without it."""
    shutil.copy(POLICY, tree / "srv")
    (tree / "var/lib/orlop").mkdir(mode=0o711, exist_ok=True)  # as the role does: what is made there has its label
    run("chroot", str(tree), "semodule", "--noreload", "--install", f"/srv/{POLICY.name}")
    # It reaches files by /proc, which is mounted where nobody else sees it.
    command = 'mount -t proc proc "$0/proc" && exec chroot "$0" setfiles -F -e /proc "$1" /'
    run("unshare", "--mount", "sh", "-c", command, str(tree), FILE_CONTEXTS)
