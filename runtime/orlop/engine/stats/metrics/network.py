"""Metrics of a pod's network interfaces."""

from collections.abc import Callable

from orlop.engine.stats.interfaces import Interface
from orlop.engine.stats.metrics.family import Family, Sample
from orlop.engine.stats.metrics.reading import Reading
from orlop.model.enums import MetricType


def _counter(name: str, help_text: str, read: Callable[[Interface], int]) -> Family:
    def samples(reading: Reading) -> list[Sample]:
        return [(read(interface), (interface.name,)) for interface in reading.interfaces]

    return Family(f"container_network_{name}_total", help_text, MetricType.COUNTER, ("interface",), samples)


FAMILIES: tuple[Family, ...] = (
    _counter("receive_bytes", "Bytes received.", lambda i: i.rx_bytes),
    _counter("receive_packets", "Packets received.", lambda i: i.rx_packets),
    _counter("receive_packets_dropped", "Packets dropped while receiving.", lambda i: i.rx_dropped),
    _counter("receive_errors", "Errors while receiving.", lambda i: i.rx_errors),
    _counter("transmit_bytes", "Bytes sent.", lambda i: i.tx_bytes),
    _counter("transmit_packets", "Packets sent.", lambda i: i.tx_packets),
    _counter("transmit_packets_dropped", "Packets dropped while sending.", lambda i: i.tx_dropped),
    _counter("transmit_errors", "Errors while sending.", lambda i: i.tx_errors),
)
