"""Metrics of pods and containers as the CRI carries them (KEP-2371). Which there are is the engine's knowledge."""

from orlop.model.base import Value
from orlop.model.enums import MetricType


class MetricDescriptor(Value):
    """A metric's name, meaning, and the names of its labels."""

    name: str
    help: str
    label_keys: tuple[str, ...]


class Metric(Value):
    """One value of a metric. The CRI carries whole numbers only: times are in whole seconds."""

    name: str
    metric_type: MetricType
    label_values: tuple[str, ...]
    """In the order of the descriptor's label_keys."""
    value: int | None
    timestamp: int = 0
    """0: gathered when it was asked for, and so it always is here."""


class ContainerMetrics(Value):
    """All metrics of one container."""

    container_id: str
    metrics: tuple[Metric, ...] = ()


class PodSandboxMetrics(Value):
    """All metrics of one pod: its own, and those of its containers."""

    pod_sandbox_id: str
    metrics: tuple[Metric, ...] = ()
    container_metrics: tuple[ContainerMetrics, ...] = ()
