"""Choosing a container's seccomp profile: the default, a file, or none. The default's rules are in `default`."""

from orlop.engine.oci.inputs import Spec
from orlop.model.security import SecurityProfile


class Profiles:
    """Profiles resolved for a capability set, kept by (profile, capabilities, file time)."""

    def __init__(
        self, *, default_file: str = "", unset: str = "Unconfined", machine: str = "", kernel: str = ""
    ) -> None:
        """default_file replaces the built-in RuntimeDefault; unset is what a container without a profile gets."""

    def profile_for(self, profile: SecurityProfile | None, capabilities: frozenset[str]) -> Spec | None:
        """linux.seccomp for the spec, None when unconfined. Raises InvalidArgument naming a file that is no good."""
        raise NotImplementedError
