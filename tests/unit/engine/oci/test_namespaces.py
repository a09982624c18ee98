"""Which namespaces are joined, new, or the node's."""

import pytest

from orlop.engine.oci.namespaces import namespaces
from orlop.model.enums import NamespaceMode
from orlop.model.errors import FailedPrecondition
from orlop.model.pod import PinnedNamespaces
from orlop.model.security import NamespaceOption
from tests.unit.engine.oci.samples import inputs


def found(**changes: object) -> dict[str, str | None]:
    part = namespaces(inputs(**changes))  # type: ignore[arg-type]  # a test's short cut
    return {entry["type"]: entry.get("path") for entry in part}


def test_a_pods_container() -> None:
    assert found() == {
        "mount": None,
        "network": "/run/ns/net",
        "ipc": "/run/ns/ipc",
        "uts": "/run/ns/uts",
        "pid": None,
        "cgroup": None,
    }


def test_the_nodes_namespaces_are_those_that_the_pod_did_not_pin() -> None:
    assert found(pod={"namespaces": PinnedNamespaces()}).keys() == {"mount", "pid", "cgroup"}


def test_a_user_namespace_is_joined() -> None:
    assert found(pod={"namespaces": PinnedNamespaces(user="/run/ns/user")})["user"] == "/run/ns/user"


@pytest.mark.parametrize("mode", [NamespaceMode.POD, NamespaceMode.TARGET])
def test_a_shared_pid_namespace(mode: NamespaceMode) -> None:
    context = {"namespace_options": NamespaceOption(pid=mode, target_id="t1")}
    assert found(context=context, pid_namespace="/proc/7/ns/pid")["pid"] == "/proc/7/ns/pid"
    with pytest.raises(FailedPrecondition, match="t1" if mode is NamespaceMode.TARGET else "pod pppp"):
        found(context=context)


def test_the_nodes_pid_namespace() -> None:
    assert "pid" not in found(context={"namespace_options": NamespaceOption(pid=NamespaceMode.NODE)})


def test_a_private_cgroup_namespace_on_v2_only() -> None:
    assert "cgroup" not in found(facts={"cgroup_version": 1})
    assert "cgroup" not in found(context={"privileged": True})
