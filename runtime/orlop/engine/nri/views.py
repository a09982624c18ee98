"""Pods and containers as messages for plugins, from their records and a container's config.json. Pure."""

from typing import Any

from orlop.engine.nri import limits
from orlop.engine.nri.adjust import HOOKS
from orlop.engine.nri.port import Container, Pod, Spec
from orlop.engine.nri.v1 import objects_pb2 as messages
from orlop.engine.nri.v1.values_pb2 import LinuxResources
from orlop.model.enums import ContainerState
from orlop.model.resources import LinuxContainerResources

_STATES = {
    ContainerState.CONTAINER_CREATED: messages.CONTAINER_CREATED,
    ContainerState.CONTAINER_RUNNING: messages.CONTAINER_RUNNING,
    ContainerState.CONTAINER_EXITED: messages.CONTAINER_STOPPED,
}
_NAMESPACES = {"net": "network", "ipc": "ipc", "uts": "uts", "user": "user", "pid": "pid"}


def pod_message(pod: Pod) -> messages.PodSandbox:
    """A pod."""
    record, status = pod.record, pod.status
    metadata = record.config.metadata
    told = messages.PodSandbox(
        id=record.id,
        name=metadata.name,
        uid=metadata.uid,
        namespace=metadata.namespace,
        labels=record.config.labels,
        annotations=record.config.annotations,
        runtime_handler=record.handler_asked,
        ips=status.ips,
    )
    told.linux.cgroup_parent = record.cgroup_parent
    told.linux.cgroups_path = record.cgroup_parent
    for field, kind in _NAMESPACES.items():
        if path := getattr(record.namespaces, field):
            told.linux.namespaces.add(type=kind, path=path)
    for given, target in ((status.overhead, told.linux.pod_overhead), (status.resources, told.linux.pod_resources)):
        if given is not None:
            target.CopyFrom(cri_limits(given))
    return told


def cri_limits(given: LinuxContainerResources) -> LinuxResources:
    """The CRI's limits; zero is not set there."""
    memory = {"limit": given.memory_limit_in_bytes, "swap": given.memory_swap_limit_in_bytes}
    cpu = {
        "shares": given.cpu_shares,
        "quota": given.cpu_quota,
        "period": given.cpu_period,
        "cpus": given.cpuset_cpus,
        "mems": given.cpuset_mems,
    }
    return limits.message(
        {
            "memory": {key: value for key, value in memory.items() if value},
            "cpu": {key: value for key, value in cpu.items() if value},
            "hugepageLimits": [{"pageSize": each.page_size, "limit": each.limit} for each in given.hugepage_limits],
            "unified": given.unified,
        }
    )


def container_message(container: Container, spec: Spec) -> messages.Container:
    """A container; spec is its config.json, empty where that is gone."""
    record, status = container.record, container.status
    config = record.config
    told = messages.Container(
        id=record.id,
        pod_sandbox_id=record.pod_id,
        name=config.metadata.name,
        state=_STATES[status.state],
        labels=config.labels,
        annotations=config.annotations | spec.get("annotations", {}),
        pid=status.pid,
        created_at=record.created_at,
        started_at=status.started_at,
        finished_at=status.finished_at,
        exit_code=status.exit_code,
        status_reason=status.reason,
        status_message=status.message,
        CDI_devices=[messages.CDIDevice(name=each.name) for each in config.cdi_devices],
        image=_image(container),
    )
    if spec:
        _add_process(told, spec["process"])
        _add_mounts(told, spec)
        _add_linux(told.linux, spec)
    return told


def _image(container: Container) -> messages.Image:
    record = container.record
    name = record.config.image.user_specified_image or record.config.image.image
    digest = record.image_ref.rpartition("@")[2] if "@" in record.image_ref else ""
    return messages.Image(name=name, digest=digest, config_digest=record.image_id)


def _add_process(told: messages.Container, process: Spec) -> None:
    told.args.extend(process["args"])
    told.env.extend(process["env"])
    user = process["user"]
    told.user.uid, told.user.gid = user["uid"], user["gid"]
    told.user.additional_gids.extend(user.get("additionalGids", ()))
    for limit in process.get("rlimits", ()):
        told.rlimits.add(type=limit["type"], hard=limit["hard"], soft=limit["soft"])
    told.linux.oom_score_adj.value = process.get("oomScoreAdj", 0)
    if (priority := process.get("ioPriority")) is not None:
        told.linux.io_priority.CopyFrom(messages.LinuxIOPriority(**priority))
    if (scheduler := process.get("scheduler")) is not None:
        told.linux.scheduler.CopyFrom(messages.LinuxScheduler(**scheduler))


def _add_mounts(told: messages.Container, spec: Spec) -> None:
    for mount in spec["mounts"]:
        source, options = mount.get("source", ""), mount.get("options", ())
        told.mounts.add(destination=mount["destination"], type=mount.get("type", ""), source=source, options=options)
    for name, kind in HOOKS.items():
        for hook in spec.get("hooks", {}).get(kind, ()):
            added = getattr(told.hooks, name).add(path=hook["path"], args=hook.get("args"), env=hook.get("env"))
            if hook.get("timeout") is not None:
                added.timeout.value = hook["timeout"]


def _add_linux(told: messages.LinuxContainer, spec: Spec) -> None:
    linux: dict[str, Any] = spec["linux"]
    told.cgroups_path = linux.get("cgroupsPath", "")
    told.resources.CopyFrom(limits.message(linux.get("resources", {})))
    told.sysctl.update(linux.get("sysctl", {}))
    for namespace in linux.get("namespaces", ()):
        told.namespaces.add(type=namespace["type"], path=namespace.get("path", ""))
    for device in linux.get("devices", ()):
        added = told.devices.add(
            path=device["path"], type=device["type"], major=device.get("major", 0), minor=device.get("minor", 0)
        )
        for name, key in (("file_mode", "fileMode"), ("uid", "uid"), ("gid", "gid")):
            if device.get(key) is not None:
                getattr(added, name).value = device[key]
    for name, each in linux.get("netDevices", {}).items():
        told.net_devices[name].name = each.get("name", "")
    _add_rdt(told, linux.get("intelRdt"))


def _add_rdt(told: messages.LinuxContainer, rdt: dict[str, Any] | None) -> None:
    for name, key in (("clos_id", "closID"), ("enable_monitoring", "enableMonitoring")):
        if rdt and key in rdt:
            getattr(told.rdt, name).value = rdt[key]
    if rdt and "schemata" in rdt:
        told.rdt.schemata.value.extend(rdt["schemata"])
