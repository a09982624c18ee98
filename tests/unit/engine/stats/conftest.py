"""A container and a pod to read, for the tests of this package."""

import pytest

from orlop.model.container import ContainerConfig, ContainerMetadata, ContainerRecord
from orlop.model.pod import PodRecord, PodSandboxConfig, PodSandboxMetadata
from tests.fakes.cgroups import FakeHierarchy


@pytest.fixture
def tree() -> FakeHierarchy:
    return FakeHierarchy()


@pytest.fixture
def container() -> ContainerRecord:
    config = ContainerConfig(
        metadata=ContainerMetadata(name="app", attempt=1), labels={"a": "1"}, annotations={"b": "2"}
    )
    return ContainerRecord(
        id="c1", pod_id="p1", config=config, handler="runc", created_at=1_000_000_000, cgroup="/pods/p1/c1"
    )


@pytest.fixture
def pod() -> PodRecord:
    config = PodSandboxConfig(metadata=PodSandboxMetadata(name="front", namespace="web"), labels={"a": "1"})
    return PodRecord(id="p1", config=config, handler="runc", created_at=1_000_000_000)
