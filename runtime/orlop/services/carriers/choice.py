"""Which carrier runs a container: the one it was born with, as its record says, whatever the configuration says now."""

from orlop.model.container import ContainerRecord
from orlop.services.carriers.carrier import Carrier
from orlop.services.carriers.monitored import MonitoredCarrier
from orlop.services.carriers.shimmed import ShimmedCarrier
from orlop.services.deck import Deck


def carrier_of(deck: Deck, record: ContainerRecord) -> Carrier:
    """The carrier of a container."""
    return MonitoredCarrier(deck) if record.shim is None else ShimmedCarrier(deck)
