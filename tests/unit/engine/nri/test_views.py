"""Pods and containers as plugins see them."""

from types import SimpleNamespace
from typing import Any

from google.protobuf import json_format

from orlop.engine.nri import views
from orlop.engine.nri.adjust import adjusted
from orlop.model.container import CDIDevice, ContainerConfig, ContainerMetadata, ContainerRecord, ContainerStatus
from orlop.model.image import ImageSpec
from orlop.model.pod import PinnedNamespaces, PodRecord, PodSandboxConfig, PodSandboxMetadata, PodStatus
from orlop.model.resources import HugepageLimit, LinuxContainerResources
from tests.unit.engine.nri.specs import adjustment, spec


def _shown(message: Any) -> dict[str, Any]:
    return dict(json_format.MessageToDict(message, preserving_proto_field_name=True))


def _container(**status: Any) -> Any:
    config = ContainerConfig(
        metadata=ContainerMetadata(name="main"),
        image=ImageSpec(image="sha256:abc", user_specified_image="busybox:1"),
        labels={"l": "1"},
        annotations={"a": "2"},
        cdi_devices=(CDIDevice(name="v/c=d"),),
    )
    record = ContainerRecord(
        id="c1",
        pod_id="p1",
        config=config,
        handler="runc",
        created_at=5,
        image_id="sha256:cfg",
        image_ref="reg/busybox@sha256:man",
    )
    return SimpleNamespace(record=record, status=ContainerStatus(**status))


def test_a_pod() -> None:
    record = PodRecord(
        id="p1",
        config=PodSandboxConfig(
            metadata=PodSandboxMetadata(name="web", uid="u", namespace="n"), labels={"l": "1"}, annotations={"a": "2"}
        ),
        handler="runc",
        handler_asked="fast",
        created_at=1,
        namespaces=PinnedNamespaces(net="/run/net", uts="/run/uts"),
        cgroup_parent="/kubepods/x",
    )
    limits = LinuxContainerResources(
        cpu_shares=5,
        cpuset_cpus="0",
        memory_limit_in_bytes=7,
        hugepage_limits=(HugepageLimit(page_size="2MB", limit=3),),
        unified={"memory.high": "9"},
    )
    pod: Any = SimpleNamespace(record=record, status=PodStatus(ips=("10.0.0.2", "fd::2"), resources=limits))
    assert _shown(views.pod_message(pod)) == {
        "id": "p1",
        "name": "web",
        "uid": "u",
        "namespace": "n",
        "labels": {"l": "1"},
        "annotations": {"a": "2"},
        "runtime_handler": "fast",
        "ips": ["10.0.0.2", "fd::2"],
        "linux": {
            "cgroup_parent": "/kubepods/x",
            "cgroups_path": "/kubepods/x",
            "namespaces": [{"type": "network", "path": "/run/net"}, {"type": "uts", "path": "/run/uts"}],
            "pod_resources": {
                "cpu": {"shares": {"value": "5"}, "cpus": "0"},
                "memory": {"limit": {"value": "7"}},
                "hugepage_limits": [{"page_size": "2MB", "limit": "3"}],
                "unified": {"memory.high": "9"},
            },
        },
    }


def test_a_container_and_the_file_that_it_is_made_from() -> None:
    told = _shown(views.container_message(_container(pid=77, started_at=8), spec()))
    assert told == {
        "id": "c1",
        "pod_sandbox_id": "p1",
        "name": "main",
        "state": "CONTAINER_RUNNING",
        "labels": {"l": "1"},
        "annotations": {"a": "2", "io.kubernetes.cri.container-type": "container"},
        "args": ["sh"],
        "env": ["PATH=/bin", "A=1"],
        "pid": 77,
        "created_at": "5",
        "started_at": "8",
        "CDI_devices": [{"name": "v/c=d"}],
        "image": {"name": "busybox:1", "digest": "sha256:man", "config_digest": "sha256:cfg"},
        "user": {"uid": 1, "gid": 2, "additional_gids": [2, 3]},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]},
            {"destination": "/data", "type": "bind", "source": "/srv", "options": ["rbind", "rprivate", "rw"]},
        ],
        "linux": {
            "cgroups_path": "/pods/c",
            "oom_score_adj": {"value": "100"},
            "namespaces": [{"type": "mount"}, {"type": "network", "path": "/n"}],
            "devices": [
                {"path": "/dev/null0", "type": "c", "major": "1", "minor": "3", "file_mode": {"value": 438}},
            ],
            "resources": {"cpu": {"shares": {"value": "2"}}, "devices": [{"access": "rwm"}]},
        },
    }


def test_what_a_plugin_has_set_is_seen_by_the_next() -> None:
    wanted = adjustment(
        hooks={"poststart": [{"path": "/h", "timeout": {"value": 2}}]},
        rlimits=[{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}],
        linux={
            "sysctl": {"kernel.msgmax": "1"},
            "net_devices": {"eth0": {"name": "in"}},
            "rdt": {"clos_id": {"value": "g"}, "schemata": {"value": ["x"]}, "enable_monitoring": {"value": True}},
            "io_priority": {"class": "IOPRIO_CLASS_RT", "priority": 1},
            "scheduler": {"policy": "SCHED_BATCH", "nice": 3},
        },
    )
    told = views.container_message(_container(), adjusted(spec(), wanted, "10-x"))
    assert told.hooks == wanted.hooks
    assert list(told.rlimits) == list(wanted.rlimits)
    for field in ("sysctl", "net_devices", "rdt", "io_priority", "scheduler"):
        assert getattr(told.linux, field) == getattr(wanted.linux, field), field


def test_an_ended_container_whose_files_are_gone() -> None:
    status = {"started_at": 1, "finished_at": 2, "exit_code": 3, "reason": "Error", "message": "m"}
    told = views.container_message(_container(**status), {})
    assert _shown(told)["state"] == "CONTAINER_STOPPED"
    assert (told.exit_code, told.status_reason, told.status_message, told.finished_at) == (3, "Error", "m", 2)
    assert not told.args
