"""What can go wrong with the network, told in the plugin's own words. Causes of lower layers are chained."""

from orlop.model.errors import OrlopError, TimedOut, Unavailable

CODE_UNKNOWN_CONTAINER = 3
"""Well-known error code of the CNI specification: nothing is left to clean up."""
CODE_NOT_AVAILABLE = 50
CODE_LIMITED = 51
"""As 50, and pods that are running may be cut off."""


class NetworkNotReady(Unavailable):
    """There is no usable network configuration (yet)."""


class PluginError(Unavailable):
    """A plugin is missing, failed, or answered nonsense."""

    def __init__(self, message: str, *, plugin: str, network: str, code: int = 0) -> None:
        super().__init__(message)
        self.plugin = plugin
        self.network = network
        self.code = code
        """The plugin's own error code; 0 where it gave none."""


class PluginTimedOut(PluginError, TimedOut):
    """A plugin did not end in time; it was killed with its process group."""


class StillAttached(Unavailable):
    """DEL did not complete. The attachment stays on record (in the result cache); removing it again may help."""

    def __init__(self, message: str, *, pod_id: str, errors: tuple[OrlopError, ...]) -> None:
        super().__init__(message)
        self.pod_id = pod_id
        self.errors = errors
