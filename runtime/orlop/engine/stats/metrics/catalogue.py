"""All metrics there are, and what they say of one reading."""

from orlop.engine.stats.metrics import cpu, disk, memory, network, processes, spec
from orlop.engine.stats.metrics.family import Family
from orlop.engine.stats.metrics.reading import Reading
from orlop.model.metrics import Metric, MetricDescriptor

FAMILIES: tuple[Family, ...] = (
    *cpu.FAMILIES,
    *memory.FAMILIES,
    *disk.FAMILIES,
    *processes.FAMILIES,
    *network.FAMILIES,
    *spec.FAMILIES,
)


def descriptors() -> tuple[MetricDescriptor, ...]:
    """Of every metric, by name."""
    return tuple(sorted((family.descriptor() for family in FAMILIES), key=lambda descriptor: descriptor.name))


def metrics_of(reading: Reading, base: tuple[str, ...]) -> tuple[Metric, ...]:
    """Every value that the reading holds; `base` are the values of family.BASE_LABELS."""
    return tuple(metric for family in FAMILIES for metric in family.metrics(reading, base))
