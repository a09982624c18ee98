"""Pods' addresses, as the CNI network gives them and as kubeadm has told the cluster."""

import json
from pathlib import Path
from typing import Any

import pytest

from orlop.engine.cni.conflist import parse
from orlop.verify.preflight.addresses import look
from orlop.verify.preflight.finding import Finding, State

BRIDGE = {
    "type": "bridge",
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.91.0.0/24"}], [{"subnet": "fd00::/64"}]]},
}
MANIFEST = "    - kube-controller-manager\n    - --cluster-cidr={}\n"


def found(place: Path, plugin: dict[str, Any]) -> list[Finding]:
    conflist = json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [plugin]}).encode()
    paths = {name: str(place / name) for name in ("manifest", "attempted", "subnets")}
    return list(look(parse(conflist, "10-pods.conflist"), **paths))


def attempt(place: Path, **declaration: Any) -> None:
    (place / "attempted").write_text(json.dumps({"kubernetes": "1.36", "declaration": declaration}))


@pytest.mark.parametrize(
    ("cluster", "state"),
    [("10.91.0.0/16,fd00::/48", State.OK), ("10.244.0.0/16,fd00::/48", State.WARNING), ("10.91.0.0/16", State.WARNING)],
)
def test_a_bridges_addresses_are_a_part_of_the_clusters(tmp_path: Path, cluster: str, state: State) -> None:
    (tmp_path / "manifest").write_text(MANIFEST.format(cluster))
    (told,) = found(tmp_path, BRIDGE)
    assert told.state is state
    assert told.detail.startswith("10-pods.conflist gives 10.91.0.0/24, fd00::/64, kubeadm's controller manager has")


def test_flannels_whole_network_is_the_clusters(tmp_path: Path) -> None:
    (tmp_path / "manifest").write_text(MANIFEST.format("10.244.0.0/16"))
    assert found(tmp_path, {"type": "flannel"}) == []
    (tmp_path / "subnets").write_text("FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\n")
    assert [told.state for told in found(tmp_path, {"type": "flannel"})] == [State.OK]
    (tmp_path / "subnets").write_text("FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.1.1/24\n")
    assert "gives 10.1.0.0/16" in found(tmp_path, {"type": "flannel"})[0].detail


def test_where_kubeadm_has_written_nothing_it_is_the_declaration_that_counts(tmp_path: Path) -> None:
    attempt(tmp_path, member={"role": "worker"}, cluster={"pod_cidrs": ["10.244.0.0/16"]})
    (told,) = found(tmp_path, BRIDGE)
    assert told.state is State.WARNING and "kubeadm is told 10.244.0.0/16" in told.detail
    assert "network.pod_cidrs" in told.remedy and "cluster.pod_cidrs" in told.remedy


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"declaration": {"netwrok": {}}}', '{"declaration": {"kubernetes": "1.36"}}']
)
def test_who_is_no_member_and_what_cannot_be_read_is_no_finding(tmp_path: Path, text: str) -> None:
    (tmp_path / "attempted").write_text(text)
    assert found(tmp_path, BRIDGE) == []
