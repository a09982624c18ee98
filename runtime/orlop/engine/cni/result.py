"""What plugins print: results and errors, parsed with suspicion. Plugins come from third parties; sizes are bounded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An interface that a plugin made."""

    name: str
    mac: str = ""
    sandbox: str = ""
    """Path of the network namespace it is in; empty: the node's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address that a plugin gave."""

    address: str
    """With prefix length: "10.88.0.5/16"."""
    gateway: str = ""
    interface: int | None = None
    """Index into the result's interfaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CniResult:
    """A result of ADD."""

    raw: bytes
    """As the plugin printed it: it is handed on byte for byte."""
    interfaces: tuple[Interface, ...] = ()
    addresses: tuple[Address, ...] = ()

    def pod_ips(self, ifname: str) -> tuple[str, ...]:
        """The pod's own addresses without prefix length, in the plugin's order; the first is the pod's IP."""
        raise NotImplementedError
