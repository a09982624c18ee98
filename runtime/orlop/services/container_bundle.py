"""What a container is made of, decided before it is made: its record, and its bundle's config.json.

`plan` touches nothing; `write` reads the image's user files and the kubelet's mount sources and writes one file, and is
run in a thread. Creating the container is in container_create.
"""

import os
import time

from orlop.engine.oci import hostdevices, idmapped, users, volumes
from orlop.engine.oci.annotations import passed
from orlop.engine.oci.capabilities import granted
from orlop.engine.oci.cdi import names
from orlop.engine.oci.cdi.edits import inject
from orlop.engine.oci.confinement import profile_asked
from orlop.engine.oci.facts import with_apparmor_profiles
from orlop.engine.oci.inputs import ResolvedMount, ResolvedUser, Spec, SpecInputs
from orlop.engine.oci.relabel import relabel
from orlop.engine.oci.selinux import Labels, labels
from orlop.engine.oci.spec import build_spec, write_config
from orlop.linux.processes import clamp_oom_score_adj
from orlop.model import signals
from orlop.model.container import ContainerConfig, ContainerRecord, LinuxContainerUser, Mount
from orlop.model.enums import ContainerState, NamespaceMode
from orlop.model.errors import FailedPrecondition, InvalidArgument
from orlop.model.image import ImageConfig, ImageRecord
from orlop.model.pod import PodRecord
from orlop.model.security import UserNamespace
from orlop.services import image_volumes
from orlop.services.deck import Deck, Handler
from orlop.services.naming import new_id


def plan(
    deck: Deck,
    pod: PodRecord,
    config: ContainerConfig,
    image: ImageRecord | None,
    handler: Handler,
    volumes: tuple[image_volumes.Found, ...] = (),
) -> ContainerRecord:
    """The container's record. Raises InvalidArgument naming a bad field."""
    container_id = new_id()
    return ContainerRecord(
        id=container_id,
        pod_id=pod.id,
        config=config,
        handler=handler.name,
        created_at=time.time_ns(),
        image_id=image.id if image else "",
        image_ref=_image_ref(image) if image else "",
        runtime_path=handler.path,
        runtime_root=handler.root,
        bundle=deck.settings.bundle(container_id),
        log_path=_log_path(pod, config),
        cgroup=deck.cgroups.container_path(pod.id, pod.cgroup_parent, container_id),
        systemd_cgroup=handler.systemd_cgroup,
        shim=handler.shim,
        stop_signal=_stop_signal(config, image),
        infra=image is None,
        image_volumes=image_volumes.recorded(volumes),
    )


def write(
    deck: Deck,
    pod: PodRecord,
    record: ContainerRecord,
    image: ImageRecord | None,
    handler: Handler,
    rootfs: str,
    mounts: tuple[Mount, ...],
) -> LinuxContainerUser:
    """Write <bundle>/config.json and return who the first process will be. Blocks on the filesystem.

    `mounts` are those of record.config with a host path for each image volume.
    """
    config = record.config
    context = config.linux.security_context
    user = users.resolve_user(
        rootfs, context, image_user=image.config.user if image else "", image=config.image.image or record.image_id
    )
    userns = pod_userns(pod)
    wanted = volumes.resolve_mounts(
        mounts, recursive_read_only=handler.features.recursive_read_only_mounts, userns=userns
    )
    _relabel(mounts, wanted, labels(pod, context, deck.facts))
    inputs = SpecInputs(
        container_id=record.id,
        pod=pod,
        config=config,
        image=image.config if image else ImageConfig(),
        rootfs=rootfs,
        user=user,
        cgroups_path=deck.cgroups.oci_path(pod.id, pod.cgroup_parent, record.id),
        settings=deck.settings.spec,
        facts=with_apparmor_profiles(deck.facts),
        pid_namespace=_pid_namespace(deck, record),
        mounts=idmapped.stage((*volumes.pod_mounts(pod, config), *wanted), pod.namespaces.user, staging(record)),
        devices=hostdevices.devices_for(config, all_when_privileged=not handler.privileged_without_host_devices),
        seccomp=_seccomp(deck, config),
        sandbox_id=_sandbox_id(deck, record),
        infra=record.infra,
        passed_annotations=passed(pod.config.annotations, handler.pod_annotations),
        userns=userns,
        oom_score_adj=clamp_oom_score_adj(config.linux.resources.oom_score_adj),
    )
    spec = build_spec(inputs)
    _inject(deck, pod, record, spec)
    write_config(record.bundle, spec)
    return _user_view(user)


def _relabel(mounts: tuple[Mount, ...], resolved: tuple[ResolvedMount, ...], labels: Labels) -> None:
    """Volumes that the kubelet has managed; a container that SELinux does not confine needs no label of theirs."""
    if labels.process:
        for mount, found in zip(mounts, resolved, strict=True):
            if mount.selinux_relabel:
                relabel(found.host_path, labels.mount)


def _inject(deck: Deck, pod: PodRecord, record: ContainerRecord, spec: Spec) -> None:
    """What the node's own files add: CDI devices that the container asks for, and OCI hooks that match it."""
    config = record.config
    devices = names.wanted([device.name for device in config.cdi_devices], config.annotations)
    if devices:
        inject(spec, deck.cdi.find(devices))
    if not record.infra:
        annotations = pod.config.annotations | config.annotations
        deck.hooks.inject(spec, annotations, has_bind_mounts=bool(config.mounts))


def pod_userns(pod: PodRecord) -> UserNamespace | None:
    """The user namespace that the pod was made with; None: the node's."""
    return pod.config.linux.security_context.namespace_options.userns_options if pod.namespaces.user else None


def staging(record: ContainerRecord) -> str:
    """Where sources of mapped mounts are while the container is created."""
    return f"{record.bundle}/idmapped"


def _user_view(user: ResolvedUser) -> LinuxContainerUser:
    return LinuxContainerUser(uid=user.uid, gid=user.gid, supplemental_groups=user.groups)


def _image_ref(image: ImageRecord) -> str:
    """What ContainerStatus.image_ref says: a repository digest where there is one."""
    return image.digests[0] if image.digests else image.id


def _log_path(pod: PodRecord, config: ContainerConfig) -> str:
    """Absolute path of the log. It stays inside the pod's log directory, whatever the request says."""
    if not config.log_path:
        return ""
    if not pod.config.log_directory:
        raise InvalidArgument("config.log_path is set, but the pod sandbox has no log_directory")
    path = os.path.normpath(os.path.join(pod.config.log_directory, config.log_path))
    if not path.startswith(os.path.normpath(pod.config.log_directory) + "/"):
        raise InvalidArgument(f"config.log_path {config.log_path!r} leads out of the pod's log directory")
    return path


def _stop_signal(config: ContainerConfig, image: ImageRecord | None) -> str:
    """The pod's wish (KEP-4960), else the image's, else SIGTERM."""
    if config.stop_signal:
        return signals.from_cri(config.stop_signal)
    name = image.config.stop_signal if image else ""
    if not name:
        return "SIGTERM"
    try:
        return signals.NAMES[signals.to_cri(name)]
    except ValueError as error:
        raise InvalidArgument(f"the image's StopSignal: {error}") from error


def _sandbox_id(deck: Deck, record: ContainerRecord) -> str:
    """The id of the pod's pause container, by which shims group containers; empty where there is none."""
    if record.infra:
        return record.id
    return next((each.record.id for each in deck.state.containers_of(record.pod_id) if each.record.infra), "")


def _pid_namespace(deck: Deck, record: ContainerRecord) -> str:
    """The PID namespace file to join; empty for a namespace of its own or the node's."""
    options = record.config.linux.security_context.namespace_options
    if options.pid is NamespaceMode.POD and not record.infra:
        for entry in deck.state.containers_of(record.pod_id):
            if entry.record.infra and entry.status.state is ContainerState.CONTAINER_RUNNING:
                return f"/proc/{entry.status.pid}/ns/pid"
        raise FailedPrecondition("the pod shares its PID namespace, but its pause process is gone")
    if options.pid is NamespaceMode.TARGET:
        target = deck.state.containers.find(options.target_id)
        if target.record.pod_id != record.pod_id:
            raise InvalidArgument(f"namespace_options.target_id {options.target_id!r} is a container of another pod")
        if target.status.state is not ContainerState.CONTAINER_RUNNING:
            raise FailedPrecondition(f"target container {target.record.config.metadata.name!r} is not running")
        return f"/proc/{target.status.pid}/ns/pid"
    return ""


def _seccomp(deck: Deck, config: ContainerConfig) -> Spec | None:
    """The profile, or None for unconfined. Privileged containers are unconfined (CRI)."""
    context = config.linux.security_context
    if context.privileged:
        return None
    asked = profile_asked(context.seccomp, context.seccomp_profile_path, "seccomp_profile_path")
    return deck.seccomp.profile_for(asked, granted(context, deck.settings.spec, deck.facts))
