"""Which namespaces a pod gets, what is set in them, and that failures leave none."""

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orlop.engine.sandbox import userns
from orlop.engine.sandbox.namespaces import Namespaces
from orlop.linux.mounts import mount_table
from orlop.linux.namespaces import run_in_netns, same_namespace
from orlop.linux.own_thread import call_in_own_thread
from orlop.linux.syscalls import setns
from orlop.model.enums import NamespaceMode
from orlop.model.errors import InvalidArgument, Unavailable, Unsupported
from orlop.model.pod import LinuxPodSandboxConfig, PinnedNamespaces, PodSandboxConfig
from orlop.model.security import IDMapping, LinuxSandboxSecurityContext, NamespaceOption, UserNamespace

NODE, OWN = NamespaceMode.NODE, NamespaceMode.POD


def config(
    *,
    network: NamespaceMode = OWN,
    ipc: NamespaceMode = OWN,
    hostname: str = "",
    sysctls: dict[str, str] | None = None,
    userns: UserNamespace | None = None,
) -> PodSandboxConfig:
    options = NamespaceOption(network=network, ipc=ipc, userns_options=userns)
    linux = LinuxPodSandboxConfig(
        sysctls=sysctls or {}, security_context=LinuxSandboxSecurityContext(namespace_options=options)
    )
    return PodSandboxConfig(hostname=hostname, linux=linux)


@pytest.fixture
async def namespaces(tmp_path: Path) -> AsyncIterator[Namespaces]:
    made = Namespaces(str(tmp_path), default_sysctls={"net.ipv4.ip_default_ttl": "70", "kernel.msgmax": "9000"})
    yield made
    await made.remove("abc")


def test_which_namespaces_a_pod_gets(tmp_path: Path) -> None:
    namespaces = Namespaces(str(tmp_path))
    directory = f"{tmp_path}/pods/abc/ns"
    everything = PinnedNamespaces(net=f"{directory}/net", ipc=f"{directory}/ipc", uts=f"{directory}/uts")
    assert namespaces.paths("abc", config()) == everything
    assert namespaces.paths("abc", config(ipc=NODE)).ipc == ""
    nodes = os.uname().nodename
    assert namespaces.paths("abc", config(network=NODE, ipc=NODE, hostname=nodes)) == PinnedNamespaces()
    assert namespaces.paths("abc", config(network=NODE, hostname="another")).uts == f"{directory}/uts"


@pytest.mark.parametrize("hostname", ["-a", "a_b", "a\nb", "a" * 65])
def test_a_bad_hostname_is_refused(tmp_path: Path, hostname: str) -> None:
    with pytest.raises(InvalidArgument, match=r"config\.hostname"):
        Namespaces(str(tmp_path)).paths("abc", config(hostname=hostname))


MAPPING = (IDMapping(host_id=100000, container_id=0, length=65536),)


def test_a_user_namespace_is_pinned_too(tmp_path: Path) -> None:
    namespaces, directory = Namespaces(str(tmp_path)), f"{tmp_path}/pods/abc/ns"
    wanted = UserNamespace(mode=OWN, uids=MAPPING, gids=MAPPING)
    assert namespaces.paths("abc", config(userns=wanted)).user == f"{directory}/user"
    assert namespaces.paths("abc", config(userns=UserNamespace(mode=NODE))).user == ""
    with pytest.raises(InvalidArgument, match="uids has 0 mappings"):
        namespaces.paths("abc", config(userns=UserNamespace(mode=OWN)))


async def test_a_user_namespace_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespaces = Namespaces(str(tmp_path))
    wanted = UserNamespace(mode=OWN, uids=MAPPING, gids=MAPPING)
    with pytest.raises(InvalidArgument, match="ip_default_ttl"):
        await namespaces.create("abc", config(userns=wanted, sysctls={"net.ipv4.ip_default_ttl": "many"}))
    monkeypatch.setattr(userns, "_PROGRAM", "raise SystemExit")
    with pytest.raises(Unavailable, match="without an answer"):
        await namespaces.create("abc", config(userns=wanted))
    monkeypatch.setattr(userns, "_PROGRAM", """import os; os.write(0, b'{"error": "make it", "errno": 28}\\n')""")
    with pytest.raises(Unsupported, match="make it: No space left"):
        await namespaces.create("abc", config(userns=wanted))
    assert not os.listdir(tmp_path / "pods/abc")
    assert not [entry for entry in mount_table() if entry.mountpoint.startswith(str(tmp_path))]


def test_a_bad_default_sysctl_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"vm\.swappiness"):
        Namespaces(str(tmp_path), default_sysctls={"vm.swappiness": "1"})


def inside(path: str, read: str) -> str:
    """A file as a process in that namespace sees it."""

    def look() -> str:
        fd = os.open(path, os.O_RDONLY)
        try:
            setns(fd)
        finally:
            os.close(fd)
        return Path(read).read_text().strip()

    return call_in_own_thread(look)


@pytest.mark.root
async def test_a_pods_namespaces_are_ready_for_use(namespaces: Namespaces, tmp_path: Path) -> None:
    wanted = {"net.ipv4.ip_unprivileged_port_start": "80", "net/ipv4/ip_default_ttl": "77", "kernel.shmmax": "4096"}
    pinned = await namespaces.create("abc", config(hostname="front", sysctls=wanted))
    for kind, path in (("net", pinned.net), ("ipc", pinned.ipc), ("uts", pinned.uts)):
        assert not same_namespace(path, f"/proc/self/ns/{kind}")
    assert inside(pinned.uts, "/proc/sys/kernel/hostname") == "front"
    assert inside(pinned.net, "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "80"
    assert inside(pinned.net, "/proc/sys/net/ipv4/ip_default_ttl") == "77"  # the pod's own wins over the default
    assert inside(pinned.ipc, "/proc/sys/kernel/shmmax") == "4096"
    assert inside(pinned.ipc, "/proc/sys/kernel/msgmax") == "9000"
    run_in_netns(pinned.net, _talk_over_loopback)
    await namespaces.remove("abc")
    await namespaces.remove("abc")
    assert not (tmp_path / "pods/abc/ns").exists()


def _talk_over_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


@pytest.mark.root
async def test_a_pod_without_a_name_is_called_by_its_id(namespaces: Namespaces) -> None:
    pinned = await namespaces.create("abc", config())
    assert inside(pinned.uts, "/proc/sys/kernel/hostname") == "abc"


@pytest.mark.root
@pytest.mark.parametrize(
    ("sysctls", "words"),
    [
        ({"net.ipv4.no_such_thing": "1"}, "no such setting"),
        ({"net.ipv4.ip_forward": "much"}, "the kernel refuses 'much'"),
        ({"vm.swappiness": "1"}, "belongs to the node"),
    ],
)
async def test_a_bad_sysctl_is_named_and_leaves_nothing(
    namespaces: Namespaces, tmp_path: Path, sysctls: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await namespaces.create("abc", config(sysctls=sysctls))
    assert words in str(caught.value)
    assert next(iter(sysctls)) in str(caught.value)
    assert not [entry for entry in mount_table() if entry.mountpoint.startswith(str(tmp_path))]
    assert not (tmp_path / "pods/abc/ns").exists()


@pytest.mark.root
async def test_a_pod_of_the_nodes_namespaces_has_none(namespaces: Namespaces) -> None:
    assert await namespaces.create("abc", config(network=NODE, ipc=NODE)) == PinnedNamespaces()
