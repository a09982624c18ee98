"""resolv.conf, hostname and shm of a pod: made, replaced and removed."""

import os
from pathlib import Path

import pytest

from orlop.engine.sandbox.files import PodFiles
from orlop.linux.mounts import is_mountpoint
from orlop.model.enums import NamespaceMode
from orlop.model.errors import InvalidArgument
from orlop.model.pod import DNSConfig, LinuxPodSandboxConfig, PodSandboxConfig
from orlop.model.security import LinuxSandboxSecurityContext, NamespaceOption


def config(**fields: object) -> PodSandboxConfig:
    """With the node's IPC, so that nothing needs to be mounted."""
    options = NamespaceOption(ipc=NamespaceMode.NODE, network=fields.pop("network", NamespaceMode.POD))  # type: ignore[arg-type]  # given as the enum
    context = LinuxSandboxSecurityContext(namespace_options=options)
    return PodSandboxConfig(linux=LinuxPodSandboxConfig(security_context=context), **fields)  # type: ignore[arg-type]  # each test gives its own fields


def read(directory: str, name: str) -> str:
    return Path(directory, name).read_text()


def exists(path: str) -> bool:
    return os.path.lexists(path)


@pytest.fixture
def files(tmp_path: Path) -> PodFiles:
    (tmp_path / "host").write_text("nameserver 9.9.9.9\n")
    return PodFiles(str(tmp_path), shm_size=1 << 20, host_resolv_conf=str(tmp_path / "host"))


async def test_the_files_of_a_pod(files: PodFiles) -> None:
    directory = await files.create("abc", config(hostname="front", dns_config=DNSConfig(servers=("10.0.0.1",))))
    assert directory == files.run_dir("abc")
    assert read(directory, "resolv.conf") == "nameserver 10.0.0.1\n"
    assert read(directory, "hostname") == "front\n"
    assert "shm" not in os.listdir(directory)


@pytest.mark.parametrize("dns", [None, DNSConfig()])
async def test_without_a_wish_the_nodes_resolv_conf_is_taken(files: PodFiles, dns: DNSConfig | None) -> None:
    directory = await files.create("abc", config(dns_config=dns))
    assert read(directory, "resolv.conf") == "nameserver 9.9.9.9\n"


async def test_a_node_without_resolv_conf_gives_an_empty_one(tmp_path: Path) -> None:
    directory = await PodFiles(str(tmp_path), host_resolv_conf=str(tmp_path / "missing")).create("abc", config())
    assert read(directory, "resolv.conf") == ""


async def test_a_pod_without_a_name_gets_one(files: PodFiles) -> None:
    own = await files.create("abc" * 20, config())
    assert read(own, "hostname") == f"{('abc' * 20)[:12]}\n"
    hosts = await files.create("def", config(network=NamespaceMode.NODE))
    assert read(hosts, "hostname") == f"{os.uname().nodename}\n"


@pytest.mark.root
async def test_the_files_have_the_pods_label(files: PodFiles) -> None:
    label = "system_u:object_r:container_file_t:s0:c1,c2"
    directory = await files.create("abc", config(), label)
    for name in ("resolv.conf", "hostname"):
        assert os.getxattr(f"{directory}/{name}", "security.selinux") == f"{label}\0".encode()


async def test_bad_dns_writes_nothing(files: PodFiles) -> None:
    with pytest.raises(InvalidArgument):
        await files.create("abc", config(dns_config=DNSConfig(searches=("a\nb",))))
    assert not exists(files.run_dir("abc"))


async def test_removing_is_complete_and_may_be_repeated(files: PodFiles) -> None:
    directory = await files.create("abc", config())
    for _ in range(2):
        await files.remove("abc")
        assert not exists(directory)


async def test_an_id_that_leads_elsewhere_is_refused(files: PodFiles) -> None:
    with pytest.raises(InvalidArgument):
        await files.remove("../../etc")


@pytest.mark.root
async def test_shm_is_a_small_tmpfs(files: PodFiles) -> None:
    for _ in range(2):  # the second time after a crash, for instance
        directory = await files.create("abc", PodSandboxConfig())
    shm = os.path.join(directory, "shm")
    try:
        total = os.statvfs(shm)
        assert total.f_blocks * total.f_frsize == 1 << 20
        assert os.stat(shm).st_mode & 0o7777 == 0o1777
        flags = total.f_flag
        assert flags & os.ST_NOSUID
        assert flags & os.ST_NODEV
        assert flags & os.ST_NOEXEC
    finally:
        await files.remove("abc")
    assert not is_mountpoint(shm)
    assert not exists(directory)
