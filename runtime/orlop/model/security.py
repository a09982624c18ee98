"""Security settings of pods and containers, as the CRI sends them."""

from orlop.model.base import Value
from orlop.model.enums import NamespaceMode, ProfileType, SupplementalGroupsPolicy


class IDMapping(Value):
    """One line of a uid_map or gid_map (user_namespaces(7))."""

    host_id: int = 0
    container_id: int = 0
    length: int = 0


class UserNamespace(Value):
    """User namespace of a pod (KEP-127). Modes POD and NODE are the only ones the kubelet sends."""

    mode: NamespaceMode = NamespaceMode.POD
    uids: tuple[IDMapping, ...] = ()
    gids: tuple[IDMapping, ...] = ()


class NamespaceOption(Value):
    """Namespace modes of a pod or container."""

    network: NamespaceMode = NamespaceMode.POD
    pid: NamespaceMode = NamespaceMode.POD
    ipc: NamespaceMode = NamespaceMode.POD
    target_id: str = ""
    """Container whose PID namespace is joined, with pid = TARGET."""
    userns_options: UserNamespace | None = None


class SELinuxOption(Value):
    """The four parts of an SELinux label."""

    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""


class SecurityProfile(Value):
    """A seccomp or AppArmor profile. localhost_ref is an absolute path (seccomp) or a profile's name (AppArmor)."""

    profile_type: ProfileType = ProfileType.RuntimeDefault
    localhost_ref: str = ""


class Capability(Value):
    """Changes to the default capability set; names without "CAP_", and "ALL"."""

    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    add_ambient_capabilities: tuple[str, ...] = ()


class LinuxSandboxSecurityContext(Value):
    """Security settings of the pod's own parts."""

    namespace_options: NamespaceOption = NamespaceOption()
    selinux_options: SELinuxOption | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    readonly_rootfs: bool = False
    supplemental_groups: tuple[int, ...] = ()
    supplemental_groups_policy: SupplementalGroupsPolicy = SupplementalGroupsPolicy.Merge
    privileged: bool = False
    seccomp: SecurityProfile | None = None
    apparmor: SecurityProfile | None = None


class LinuxContainerSecurityContext(Value):
    """Security settings of a container."""

    capabilities: Capability = Capability()
    privileged: bool = False
    namespace_options: NamespaceOption = NamespaceOption()
    selinux_options: SELinuxOption | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_username: str = ""
    readonly_rootfs: bool = False
    supplemental_groups: tuple[int, ...] = ()
    supplemental_groups_policy: SupplementalGroupsPolicy = SupplementalGroupsPolicy.Merge
    no_new_privs: bool = False
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    seccomp: SecurityProfile | None = None
    apparmor: SecurityProfile | None = None
    seccomp_profile_path: str = ""
    """Deprecated: "", "runtime/default", "unconfined" or "localhost/<path>", where `seccomp` is not set."""
    apparmor_profile: str = ""
    """Deprecated, in the same words, where `apparmor` is not set."""
