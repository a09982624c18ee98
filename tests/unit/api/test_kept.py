"""Lists from messages that are kept encoded: what is told is what is on record, after each change too."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from orlop.api import wire
from orlop.api.kept import listed
from orlop.api.servicers.table import VERBS
from orlop.api.v1 import pod_pb2
from orlop.engine.state.table import State
from orlop.model.container import ContainerConfig, ContainerMetadata, ContainerRecord, ContainerStatus
from orlop.model.enums import PodSandboxState
from orlop.model.pod import PodRecord, PodSandboxConfig, PodSandboxMetadata, PodStatus
from orlop.services import sandbox_list


def states(state: State) -> dict[str, int]:
    encoded = listed(state.pods, sandbox_list.view, pod_pb2.ListPodSandboxResponse)
    return {item.metadata.name: item.state for item in pod_pb2.ListPodSandboxResponse.FromString(encoded).items}


def test_each_change_is_told(tmp_path: Path) -> None:
    state = State(str(tmp_path / "state.db"))
    assert states(state) == {}
    for name in ("a", "b"):
        config = PodSandboxConfig(metadata=PodSandboxMetadata(name=name, uid=name, namespace="default"))
        record = PodRecord(id=name * 64, config=config, created_at=1, handler="runc")
        state.pods.insert(record.id, record, PodStatus(made=True))
    assert states(state) == {"a": PodSandboxState.SANDBOX_READY, "b": PodSandboxState.SANDBOX_READY}
    assert all(entry.listed for entry in state.pods)
    state.pods.update("b" * 64, stopped_at=1)
    assert states(state) == {"a": PodSandboxState.SANDBOX_READY, "b": PodSandboxState.SANDBOX_NOTREADY}
    state.pods.delete("a" * 64)
    assert states(state) == {"b": PodSandboxState.SANDBOX_NOTREADY}


def test_verbs_answer_with_their_own_messages(tmp_path: Path) -> None:
    state = State(str(tmp_path / "state.db"))
    metadata = PodSandboxMetadata(name="web", uid="u1", namespace="default")
    pod = PodRecord(id="a" * 64, config=PodSandboxConfig(metadata=metadata), created_at=1, handler="runc")
    state.pods.insert(pod.id, pod, PodStatus(made=True))
    config = ContainerConfig(metadata=ContainerMetadata(name="main"))
    container = ContainerRecord(id="c" * 64, pod_id=pod.id, config=config, handler="runc", created_at=1)
    state.containers.insert(container.id, container, ContainerStatus(made=True))

    def answered(name: str) -> Any:
        method = wire.METHODS[name]
        return method.response.FromString(VERBS[name](SimpleNamespace(state=state), method.request()))

    (item,) = answered("ListPodSandbox").items
    assert (item.id, item.metadata.name) == (pod.id, "web")
    (item,) = answered("ListContainers").containers
    assert (item.id, item.pod_sandbox_id, item.metadata.name) == (container.id, pod.id, "main")
