"""Which user, group and supplementary groups a container's process gets. Reading the image's files is in `accounts`."""

from orlop.engine.oci.inputs import ResolvedUser
from orlop.model.security import LinuxContainerSecurityContext


def resolve_user(rootfs: str, context: LinuxContainerSecurityContext, *, image_user: str, image: str) -> ResolvedUser:
    """Decide the user from the CRI's security context, else from the image's User; image names it in errors."""
    raise NotImplementedError
