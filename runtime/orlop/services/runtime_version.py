"""Version."""

from orlop import __version__
from orlop.model.status import VersionInfo

KUBELET_API_VERSION = "0.1.0"
"""The only version of the kubelet's runtime API there is."""


def version() -> VersionInfo:
    """Name and version of this runtime. Whatever version the client names, v1 is what is spoken here."""
    return VersionInfo(
        version=KUBELET_API_VERSION, runtime_name="orlop", runtime_version=__version__, runtime_api_version="v1"
    )
