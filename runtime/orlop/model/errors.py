"""The errors of the domain, told in the user's terms: what failed, for which object, and what to do.

Engine and services raise these, `from` the cause. orlop.api.errors alone maps them to gRPC codes.
"""


class OrlopError(Exception):
    """Something a user or the kubelet can understand went wrong. The text is a sentence that names the thing."""


class InvalidArgument(OrlopError):
    """The request contradicts itself or lacks something; asking again will not help."""


class NotFound(OrlopError):
    """The named pod, container or image is not here."""


class AlreadyExists(OrlopError):
    """The name is taken by something else."""


class FailedPrecondition(OrlopError):
    """The object is not in a state that allows this."""


class Unavailable(OrlopError):
    """Something outside (registry, network, plugin) does not answer now; asking again may help."""


class Unauthenticated(OrlopError):
    """A registry refused the credentials, or asked for some."""


class ResourceExhausted(OrlopError):
    """No space, memory, addresses or message size left."""


class Unsupported(OrlopError):
    """This is not built, or the kernel or OCI runtime lacks it."""


class TimedOut(OrlopError):
    """A step did not end within its time limit."""


class RegistryUnavailable(Unavailable):
    """No registry that could have the image answers; the kubelet knows this reason."""


class SignatureValidationFailed(OrlopError):
    """The signature policy does not let the image in; the kubelet knows this reason."""


class ImageVolumeMountFailed(OrlopError):
    """An image cannot be mounted as a volume; the kubelet knows this reason."""


class DataLoss(OrlopError):
    """Content does not have the digest or size that it should have."""
