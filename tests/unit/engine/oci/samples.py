"""A complete set of spec inputs, of which each test changes what it is about."""

from dataclasses import replace
from typing import Any

from msgspec import structs

from orlop.engine.oci.inputs import HostFacts, ResolvedUser, SpecInputs, SpecSettings
from orlop.model.container import ContainerConfig, ContainerMetadata, LinuxContainerConfig
from orlop.model.enums import NamespaceMode
from orlop.model.image import ImageConfig, ImageSpec
from orlop.model.pod import PinnedNamespaces, PodRecord, PodSandboxConfig, PodSandboxMetadata
from orlop.model.security import LinuxContainerSecurityContext, NamespaceOption

CAPABILITIES = frozenset(("CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_SYS_ADMIN"))

FACTS = HostFacts(
    cgroup_version=2,
    capabilities=CAPABILITIES,
    hostname="node-1",
    swap_accounting=True,
    hugepage_sizes=frozenset(("2MB",)),
)

SETTINGS = SpecSettings(default_capabilities=("CHOWN", "KILL", "SYS_RESOURCE"))

POD = PodRecord(
    id="p" * 64,
    config=PodSandboxConfig(
        metadata=PodSandboxMetadata(name="web", namespace="shop", uid="u-1"),
        hostname="web",
        annotations={"run.oci.x": "y"},
    ),
    handler="runc",
    created_at=1,
    run_dir="/run/pod",
    namespaces=PinnedNamespaces(net="/run/ns/net", ipc="/run/ns/ipc", uts="/run/ns/uts"),
)

CONTEXT = LinuxContainerSecurityContext(namespace_options=NamespaceOption(pid=NamespaceMode.CONTAINER))

CONFIG = ContainerConfig(
    metadata=ContainerMetadata(name="nginx"),
    image=ImageSpec(image="sha256:abc", user_specified_image="nginx:1"),
    command=("/bin/true",),
    linux=LinuxContainerConfig(security_context=CONTEXT),
)

INPUTS = SpecInputs(
    container_id="c" * 64,
    pod=POD,
    config=CONFIG,
    image=ImageConfig(),
    rootfs="/rootfs",
    user=ResolvedUser(uid=1, gid=2, groups=(2, 3), home="/home/a"),
    cgroups_path="/pods/c",
    settings=SETTINGS,
    facts=FACTS,
)


def inputs(
    *,
    context: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    pod: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    resources: Any = None,
    **changes: Any,
) -> SpecInputs:
    """INPUTS with changes at each level."""
    linux = structs.replace(CONFIG.linux, security_context=structs.replace(CONTEXT, **(context or {})))
    if resources is not None:
        linux = structs.replace(linux, resources=resources)
    return replace(
        INPUTS,
        config=structs.replace(CONFIG, linux=linux, **(config or {})),
        pod=structs.replace(POD, **(pod or {})),
        facts=replace(FACTS, **(facts or {})),
        settings=replace(SETTINGS, **(settings or {})),
        **changes,
    )
