"""A metric as data: name, meaning, labels, and how its values are found in a reading. The metrics are in the modules
beside this one, by topic.

Descriptors and values come from the same Family, so they cannot differ.
"""

from collections.abc import Callable, Iterable

import msgspec

from orlop.engine.stats.metrics.reading import Reading
from orlop.linux.cgroups.account import CgroupAccount
from orlop.model.enums import MetricType
from orlop.model.metrics import Metric, MetricDescriptor

BASE_LABELS = ("container", "id", "image", "name", "namespace", "pod")
"""Of every metric: the labels that the kubelet gives its own container_* metrics."""

Sample = tuple[int | None, tuple[str, ...]]
"""A value, and the values of the family's own labels. A value of None is left out."""


class Family(msgspec.Struct, frozen=True):
    """One metric."""

    name: str
    help: str
    kind: MetricType
    labels: tuple[str, ...]
    """Beside those that every metric has."""
    samples: Callable[[Reading], Iterable[Sample]]

    def descriptor(self) -> MetricDescriptor:
        """As ListMetricDescriptors tells it."""
        return MetricDescriptor(name=self.name, help=self.help, label_keys=(*BASE_LABELS, *self.labels))

    def metrics(self, reading: Reading, base: tuple[str, ...]) -> Iterable[Metric]:
        """Its values in a reading; `base` are the values of BASE_LABELS."""
        for value, labels in self.samples(reading):
            if value is not None:
                yield Metric(name=self.name, metric_type=self.kind, label_values=(*base, *labels), value=max(0, value))


Read = Callable[[Reading], int | None]
ReadAccount = Callable[[CgroupAccount], int | None]


def gauge(name: str, help_text: str, read: Read) -> Family:
    """One value that goes up and down."""
    return Family(name, help_text, MetricType.GAUGE, (), lambda reading: [(read(reading), ())])


def account_gauge(name: str, help_text: str, read: ReadAccount) -> Family:
    """One value of the cgroup that goes up and down."""
    return gauge(name, help_text, _of_account(read))


def account_counter(name: str, help_text: str, read: ReadAccount) -> Family:
    """One value of the cgroup that only grows."""
    find = _of_account(read)
    return Family(name, help_text, MetricType.COUNTER, (), lambda reading: [(find(reading), ())])


def seconds(nanoseconds: int | None) -> int | None:
    """Whole seconds, as the CRI's integer values force."""
    return None if nanoseconds is None else nanoseconds // 1_000_000_000


def _of_account(read: ReadAccount) -> Read:
    return lambda reading: None if reading.account is None else read(reading.account)
