"""RuntimeConfig, which tells the kubelet the cgroup driver, and UpdateRuntimeConfig, which tells us the pod CIDR."""

import ipaddress
import logging

from orlop.model.errors import InvalidArgument
from orlop.model.status import LinuxRuntimeConfiguration
from orlop.services.deck import Deck

log = logging.getLogger(__name__)


def runtime_config(deck: Deck) -> LinuxRuntimeConfiguration:
    """The cgroup driver in use (KEP-4033): the kubelet follows it."""
    return LinuxRuntimeConfiguration(cgroup_driver=deck.settings.cgroup_driver)


async def update_runtime_config(deck: Deck, pod_cidr: str) -> None:
    """Take the node's pod CIDR, "10.244.1.0/24" or two of them separated by a comma. An empty one changes nothing."""
    if not pod_cidr:
        return
    for part in pod_cidr.split(","):
        try:
            ipaddress.ip_network(part.strip())
        except ValueError as error:
            raise InvalidArgument(f"network_config.pod_cidr {pod_cidr!r}: {error}") from error
    log.info("pod CIDR is %s", pod_cidr)
    await deck.network.update_pod_cidr(pod_cidr)
