"""Version, Status, RuntimeConfig: what the runtime says of itself."""

import json

from tests.harness.cri import Cri
from tests.harness.foreign import FOREIGN
from tests.harness.node import Node
from tests.integration.lifecycle.conftest import HANDLERS, POD_CIDR

CGROUPFS = 1


def test_version_names_the_api_and_the_runtime(cri: Cri) -> None:
    answer = cri("Version", version="v1")
    assert (answer.version, answer.runtime_api_version) == ("0.1.0", "v1")
    assert answer.runtime_name
    assert answer.runtime_version


def test_runtime_and_network_are_ready(cri: Cri) -> None:
    wanted = {"RuntimeReady": True, "NetworkReady": True}
    told = {item.type: item.status for item in cri("Status").status.conditions}
    assert {name: told[name] for name in wanted} == wanted
    assert FOREIGN or told == wanted, "another runtime may have conditions of its own too"


def test_handlers_are_listed_with_their_features(node: Node) -> None:
    handlers = {item.name: item.features for item in node.cri("Status").runtime_handlers}
    assert set(handlers) == {"", *HANDLERS}


def test_verbose_status_is_json_that_names_the_configuration(node: Node) -> None:
    assert dict(node.cri("Status").info) == {}
    info = {key: json.loads(value) for key, value in node.cri("Status", verbose=True).info.items()}
    assert info["config"]["daemon"]["root_dir"] == str(node.root_dir)


def test_kubelet_learns_the_cgroup_driver(node: Node) -> None:
    assert node.cri("RuntimeConfig").linux.cgroup_driver == CGROUPFS


def test_pod_cidr_is_taken(cri: Cri) -> None:
    cri("UpdateRuntimeConfig", runtime_config={"network_config": {"pod_cidr": POD_CIDR}})
