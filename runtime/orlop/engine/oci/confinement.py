"""Confinement of a container beyond capabilities and seccomp: AppArmor, masked and read-only paths."""

from orlop.engine.oci.inputs import HostFacts, Spec, SpecSettings
from orlop.model.enums import ProfileType
from orlop.model.errors import InvalidArgument, Unsupported
from orlop.model.security import LinuxContainerSecurityContext, SecurityProfile

DEPRECATED_WORDS = {"runtime/default": ProfileType.RuntimeDefault, "unconfined": ProfileType.Unconfined}


def profile_asked(profile: SecurityProfile | None, deprecated: str, field: str) -> SecurityProfile | None:
    """The profile that a client asks for, by the message or by the string that came before it.

    Clients that send both mean the same, so the message wins. Raises InvalidArgument naming `field`, the string's.
    """
    if profile is not None or not deprecated:
        return profile
    if deprecated in DEPRECATED_WORDS:
        return SecurityProfile(profile_type=DEPRECATED_WORDS[deprecated])
    before, _, name = deprecated.partition("localhost/")
    if before or not name:
        raise InvalidArgument(f"{field} {deprecated!r} is none of runtime/default, unconfined and localhost/<name>")
    return SecurityProfile(profile_type=ProfileType.Localhost, localhost_ref=name)


def apparmor_profile(context: LinuxContainerSecurityContext, settings: SpecSettings, facts: HostFacts) -> str:
    """process.apparmorProfile; empty: none.

    A profile asked for by name must not silently be missing; the default may, where nobody has loaded it: with a name
    that the kernel does not know no container would start.
    """
    asked = profile_asked(context.apparmor, context.apparmor_profile, "apparmor_profile")
    if asked is None or asked.profile_type is ProfileType.RuntimeDefault:
        loaded = facts.apparmor and settings.apparmor_profile in facts.apparmor_profiles
        return settings.apparmor_profile if loaded and not context.privileged else ""
    if asked.profile_type is ProfileType.Unconfined:
        return "unconfined" if facts.apparmor else ""
    # The kubelet sends the name alone, critest as it stood in the annotation of old.
    name = asked.localhost_ref.removeprefix("localhost/")
    if not name:
        raise InvalidArgument("apparmor.profile_type is Localhost but apparmor.localhost_ref is empty")
    if not facts.apparmor:
        raise Unsupported(f"AppArmor profile {name!r} cannot be applied: this kernel has no AppArmor")
    if name not in facts.apparmor_profiles:
        raise InvalidArgument(f"AppArmor profile {name!r} is not loaded on this node")
    return name


def security_paths(context: LinuxContainerSecurityContext) -> Spec:
    """linux.maskedPaths and readonlyPaths, as the kubelet lists them; a privileged container sees everything."""
    if context.privileged:
        return {}
    return {"maskedPaths": list(context.masked_paths), "readonlyPaths": list(context.readonly_paths)}
