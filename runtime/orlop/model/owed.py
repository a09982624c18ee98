"""Network teardown that is still owed: kept over restarts and reboots until the plugins have done it."""

from orlop.model.base import Value


class OwedDelete(Value):
    """One CNI DEL that has to be run, or run again."""

    pod_id: str
    network: bytes
    """The conflist and what the plugins were given at ADD, as JSON."""
    netns: str = ""
    """Path of the network namespace at ADD time; it may be gone."""
    created_at: int = 0
    """Nanoseconds since the epoch."""
    tries: int = 0
    last_error: str = ""
