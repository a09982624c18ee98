"""SELinux labels of pods and containers: of their processes and mounts, and categories that keep pods apart.

What a container may do is the policy's business (the package container-selinux): a process of type container_t uses
files of type container_file_t whose categories it has. Labels come from the policy's lxc_contexts, as with the peers.
"""

import random
import re
from collections.abc import Collection
from dataclasses import dataclass

from orlop.engine.oci.inputs import HostFacts
from orlop.linux.selinux import known
from orlop.model.enums import NamespaceMode
from orlop.model.errors import InvalidArgument, Unsupported
from orlop.model.pod import PodRecord, PodSandboxConfig
from orlop.model.security import LinuxContainerSecurityContext, SELinuxOption

CATEGORIES = 1024
"""Of the targeted policy (mcs(8)): 523,776 pairs of two."""
UNCONFINED_TYPE = "spc_t"
"""The policy's name for a container that is not confined."""
_WORD = re.compile(r"[A-Za-z0-9_.-]*")
_LEVEL = re.compile(r"[A-Za-z0-9_.:,-]*")


@dataclass(frozen=True)
class Labels:
    """What a container gets; empty: nothing."""

    process: str = ""
    mount: str = ""


def labels(pod: PodRecord, context: LinuxContainerSecurityContext, facts: HostFacts) -> Labels:
    """A container's labels. Its own options win over the pod's, and what neither names is the policy's default.

    Privileged containers, and those of pods that see the node's processes or IPC and name no label, have none for
    their processes (CRI, LinuxContainerSecurityContext.privileged). Raises as `require` does.
    """
    options = context.selinux_options or pod.config.linux.security_context.selinux_options
    if not context.privileged:
        require(options, facts)
    if not facts.selinux:
        return Labels()
    mount = mount_label(pod, facts, options)
    if context.privileged or (options is None and _sees_the_node(pod.config)):
        return Labels(mount=mount)
    return Labels(process=_label(facts.selinux_contexts.process, options, _level(pod, options)), mount=mount)


def mount_label(pod: PodRecord, facts: HostFacts, options: SELinuxOption | None = None) -> str:
    """Of what is mounted for the pod, or for a container with options of its own; empty on a kernel without SELinux."""
    if not facts.selinux:
        return ""
    options = options or pod.config.linux.security_context.selinux_options
    only_user = SELinuxOption(user=options.user) if options else None
    return _label(facts.selinux_contexts.file, only_user, _level(pod, options))


def level_for(config: PodSandboxConfig, facts: HostFacts, taken: Collection[str]) -> str:
    """The level of a new pod: the one it asks for, else two categories that no other pod has.

    Empty on a kernel without SELinux. Raises as `require` does.
    """
    options = config.linux.security_context.selinux_options
    if not config.linux.security_context.privileged:
        require(options, facts)
    if not facts.selinux:
        return ""
    if options is not None and options.level:
        return options.level
    sensitivity = facts.selinux_contexts.process.split(":", 3)[3].partition(":")[0]
    while True:
        low, high = sorted(random.sample(range(CATEGORIES), 2))
        if (level := f"{sensitivity}:c{low},c{high}") not in taken:
            return level


def require(options: SELinuxOption | None, facts: HostFacts) -> None:
    """Whether options can be meant, and applied.

    Raises InvalidArgument naming a part that is no part of a label, and Unsupported where a confinement is asked for by
    its name on a kernel without SELinux. A level alone means nothing there, and spc_t asks for none.
    """
    if options is None:
        return
    for name, pattern in (("user", _WORD), ("role", _WORD), ("type", _WORD), ("level", _LEVEL)):
        if not pattern.fullmatch(value := getattr(options, name)):
            raise InvalidArgument(f"selinux_options.{name} {value!r} cannot be part of an SELinux label")
    if not facts.selinux and options.type not in ("", UNCONFINED_TYPE):
        raise Unsupported(
            f"SELinux type {options.type!r} (selinux_options) cannot be applied: this kernel has no SELinux"
        )


def require_known(facts: HostFacts, *wanted: str) -> None:
    """Whether the policy that is loaded has these labels; empty ones are none.

    Else a mount would fail with no more than "Invalid argument". Raises Unsupported naming label and policy.
    """
    for label in filter(None, wanted):
        if not known(label):
            raise Unsupported(
                f"SELinux label {label!r} cannot be applied: the loaded policy ({facts.selinux_policy}) does not have"
                " it. Types of containers come with the package container-selinux, or its like"
            )


def _level(pod: PodRecord, options: SELinuxOption | None) -> str:
    return (options.level if options else "") or pod.selinux_level


def _label(default: str, options: SELinuxOption | None, level: str) -> str:
    parts = default.split(":", 3)
    asked = (options.user, options.role, options.type) if options else ("", "", "")
    return ":".join([*(new or old for new, old in zip(asked, parts[:3], strict=True)), level or parts[3]])


def _sees_the_node(config: PodSandboxConfig) -> bool:
    modes = config.linux.security_context.namespace_options
    return NamespaceMode.NODE in (modes.pid, modes.ipc)
