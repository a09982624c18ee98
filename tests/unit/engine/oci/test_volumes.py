"""The host's side of mounts: found, resolved, or refused with both paths named."""

from pathlib import Path
from typing import Any

import pytest

from orlop.engine.oci import volumes
from orlop.engine.oci.inputs import ResolvedMount
from orlop.engine.oci.volumes import pod_mounts, resolve_mounts
from orlop.model.container import ContainerConfig, LinuxContainerConfig, Mount
from orlop.model.enums import MountPropagation
from orlop.model.errors import FailedPrecondition, InvalidArgument, OrlopError, Unsupported
from orlop.model.pod import PinnedNamespaces, PodRecord, PodSandboxConfig
from orlop.model.security import LinuxContainerSecurityContext

TO_CONTAINER = MountPropagation.PROPAGATION_HOST_TO_CONTAINER
BOTH_WAYS = MountPropagation.PROPAGATION_BIDIRECTIONAL


def resolve(supported: bool = True, **fields: Any) -> ResolvedMount:
    return resolve_mounts([Mount(**{"container_path": "/data", **fields})], recursive_read_only=supported)[0]


def test_links_of_the_host_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    found = resolve(host_path=str(tmp_path / "link"), readonly=True, mount_options=("noexec",))
    assert found.host_path == str(tmp_path / "real")
    assert (found.readonly, found.options) == (True, ("noexec",))


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"host_path": "/proc/version/x"}, InvalidArgument, "Not a directory"),
        ({"host_path": "relative"}, InvalidArgument, "host_path must be absolute"),
        ({"host_path": ""}, InvalidArgument, "host_path"),
        ({"host_path": "/\0"}, InvalidArgument, "NUL"),
        ({"container_path": "data", "host_path": "/"}, InvalidArgument, "container_path"),
        ({"container_path": "/x/..", "host_path": "/"}, InvalidArgument, "container_path"),
        ({"host_path": "/", "mount_options": ("bind",)}, InvalidArgument, "'bind'"),
        ({"host_path": "/", "recursive_read_only": True}, InvalidArgument, "needs readonly"),
        (
            {"host_path": "/", "recursive_read_only": True, "readonly": True, "propagation": TO_CONTAINER},
            InvalidArgument,
            "private propagation",
        ),
    ],
)
def test_what_cannot_be_mounted(fields: dict[str, Any], kind: type[OrlopError], words: str) -> None:
    with pytest.raises(kind, match=words):
        resolve(**fields)


def test_recursive_read_only_is_never_silently_less(tmp_path: Path) -> None:
    fields = {"host_path": str(tmp_path), "readonly": True, "recursive_read_only": True}
    assert resolve(**fields).recursive_read_only
    with pytest.raises(Unsupported, match="recursive read-only"):
        resolve(supported=False, **fields)


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        (("shared:1",), {TO_CONTAINER, BOTH_WAYS}),
        (("master:1",), {TO_CONTAINER}),
        (("shared:1", "master:2"), {TO_CONTAINER, BOTH_WAYS}),
        ((), set()),
        (("unbindable",), set()),
    ],
)
def test_propagation_must_fit_the_sources_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: tuple[str, ...], allowed: set[MountPropagation]
) -> None:
    monkeypatch.setattr(volumes, "propagation_of", lambda _path: ("/mnt/point", fields))
    for propagation in (TO_CONTAINER, BOTH_WAYS):
        if propagation in allowed:
            assert resolve(host_path=str(tmp_path), propagation=propagation).propagation is propagation
        else:
            with pytest.raises(FailedPrecondition, match=r"'/data'.*'/mnt/point'.*make-rshared /mnt/point"):
                resolve(host_path=str(tmp_path), propagation=propagation)


def test_the_pods_files_that_exist(tmp_path: Path) -> None:
    for name in ("resolv.conf", "hostname"):
        (tmp_path / name).touch()
    (tmp_path / "shm").mkdir()
    pod = PodRecord(
        id="p",
        config=PodSandboxConfig(),
        handler="runc",
        created_at=1,
        run_dir=str(tmp_path),
        namespaces=PinnedNamespaces(ipc="/ns"),
    )
    context = LinuxContainerSecurityContext(readonly_rootfs=True)
    config = ContainerConfig(linux=LinuxContainerConfig(security_context=context))
    found = {mount.container_path: (mount.host_path, mount.readonly) for mount in pod_mounts(pod, config)}
    assert found == {
        "/etc/resolv.conf": (f"{tmp_path}/resolv.conf", True),
        "/etc/hostname": (f"{tmp_path}/hostname", True),
        "/dev/shm": (f"{tmp_path}/shm", False),
    }
    (tmp_path / "hostname").unlink()
    assert "/etc/hostname" not in {mount.container_path for mount in pod_mounts(pod, config)}


def test_with_the_nodes_ipc_comes_the_nodes_shm(tmp_path: Path) -> None:
    pod = PodRecord(id="p", config=PodSandboxConfig(), handler="runc", created_at=1, run_dir=str(tmp_path))
    assert [mount.host_path for mount in pod_mounts(pod, ContainerConfig())] == ["/dev/shm"]
