"""What is downloaded for a node: the lock file, and what a declaration says in its place."""

from typing import Any

import pytest
import yaml

from orlop.model.errors import InvalidArgument
from orlop.node import artefacts
from orlop.node.declaring import declare
from orlop.node.plan import plan
from orlop.node.render import render

DIGEST, OTHER = "a" * 64, "b" * 64
WORKER = {"role": "worker"}


def said(version: str, **more: Any) -> dict[str, Any]:
    return {name: {"version": version, **more} for name in artefacts.KUBERNETES}


def fetched(data: dict[str, Any], arch: str = "amd64") -> dict[str, artefacts.Fetch]:
    return {each.name: each for each in plan(declare({"member": WORKER, **data})).artefacts[arch]}


def test_the_lock_file_speaks_where_the_declaration_does_not() -> None:
    found = artefacts.fetch({}, "runc", "1.36", "arm64")
    assert found.url.endswith("/v1.4.3/runc.arm64")
    assert found.sha256 and found.sha256.startswith("633301e2")
    assert artefacts.fetch({}, "kubelet", "1.37", "amd64").sha256 is None


def test_what_only_the_distribution_has_is_said_so() -> None:
    with pytest.raises(InvalidArgument, match="take the distribution's package"):
        artefacts.fetch({}, "conmon", "1.36", "amd64")


def test_a_node_that_is_no_member_gets_no_kubernetes() -> None:
    assert plan(declare({"kubernetes": "1.36"})).artefacts == {}


def test_a_member_gets_the_lock_files_version_and_crictl_where_it_is_named() -> None:
    assert list(fetched({"kubernetes": "1.36"})) == ["kubelet", "kubeadm", "kubectl"]
    crictl = fetched({"kubernetes": "1.36", "artefacts": {"crictl": {}}})["crictl"]
    assert (crictl.version, crictl.sha256 is None) == ("1.36.0", False)
    assert fetched({"kubernetes": "1.36"}, "arm64")["kubelet"].url.endswith("/v1.36.4/bin/linux/arm64/kubelet")


def test_a_declared_version_keeps_the_address_and_loses_the_digest_of_another_version() -> None:
    found = fetched({"kubernetes": "1.36", "artefacts": said("1.36.3")})["kubelet"]
    assert (found.version, found.sha256) == ("1.36.3", None)
    assert found.url == "https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubelet"


def test_digests_and_addresses_are_by_architecture() -> None:
    digests = {"sha256": {"amd64": DIGEST, "arm64": OTHER}, "url": "/srv/{arch}/k-{version}"}
    data = {"kubernetes": "1.36", "artefacts": {"kubelet": digests}}
    assert (fetched(data)["kubelet"].url, fetched(data)["kubelet"].sha256) == ("/srv/amd64/k-1.36.4", DIGEST)
    assert fetched(data, "arm64")["kubelet"].sha256 == OTHER


def test_what_kubeadm_is_told_follows_the_version_that_comes() -> None:
    member = {"role": "control_plane"}
    data = declare({"kubernetes": "1.36", "member": member, "artefacts": said("1.36.3", sha256=DIGEST)})
    text = next(file.content for file in render(data) if file.path.endswith("kubeadm-init.yaml"))
    versions = [each["kubernetesVersion"] for each in yaml.safe_load_all(text) if "kubernetesVersion" in each]
    assert (versions, plan(data).patch) == (["v1.36.3"], "1.36.3")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kubelt": {}}, "artefacts.kubelt: there is no such artefact; did you mean kubelet?"),
        ({"kubelet": {"versoin": "1"}}, "artefacts.kubelet.versoin: there is no such key; did you mean version?"),
        ({"kubelet": {"sha256": "abc"}}, "artefacts.kubelet.sha256"),
        ({"kubelet": {"url": "ftp://x/y"}}, "artefacts.kubelet.url"),
        (said("1.35.1"), "artefacts.kubelet.version: 1.35.1 is not of 1.36, which the node is for"),
        ({"kubelet": {"version": "1.36.3"}}, "artefacts.kubeadm.version: kubeadm 1.36.4 and kubelet 1.36.3 must be of"),
    ],
)
def test_wrong_overrides_are_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        declare({"kubernetes": "1.36", "artefacts": given})
    assert told in str(error.value)


def test_a_node_gets_by_digest_what_its_declaration_names_and_no_more() -> None:
    assert plan(declare({})).verified == {"amd64": [], "arm64": []}
    wanted = {"crun": {"sha256": DIGEST}, "conmon": {"url": "/srv/conmon-{arch}", "sha256": OTHER}}
    conmon, crun = plan(declare({"artefacts": wanted})).verified["arm64"]
    assert (conmon.url, conmon.sha256) == ("/srv/conmon-arm64", OTHER)
    assert (crun.url.endswith("/crun-1.17-linux-arm64"), crun.sha256) == (True, DIGEST)


def test_plugins_by_digest_are_those_of_the_network_and_of_one_archive() -> None:
    found = plan(declare({"kubernetes": "1.36", "artefacts": {"cni-plugins": {}}})).verified_plugins["amd64"]
    assert [each.name for each in found] == ["bridge", "host-local", "loopback", "portmap"]
    assert len({(each.url, each.sha256) for each in found}) == 1 and found[0].sha256
    flannel = {"network": {"provider": "flannel"}, "artefacts": {"cni-plugins": {}}}
    assert "flannel" not in {each.name for each in plan(declare(flannel)).verified_plugins["amd64"]}
    assert plan(declare({})).verified_plugins == {"amd64": [], "arm64": []}


def test_every_download_without_a_digest_is_named_once_with_what_would_do() -> None:
    wanted = {name: {"version": "9.9.9"} for name in ("runc", "cni-plugins")}
    kata = {"kata": {"type": "shim", "path": "/opt/kata/bin/containerd-shim-kata-v2"}}
    data = {"kubernetes": "1.36", "member": WORKER, "handlers": {"runc": {}, **kata}}
    known = {"artefacts": {"kata-go-static": {"sha256": DIGEST}}}
    assert plan(declare({**data, **known})).unsaid == {"amd64": [], "arm64": []}
    wanted |= said("1.36.99") | {"kata-go-static": {"version": "9.9.9", "sha256": {"arm64": DIGEST}}}
    found = {each.name: each for each in plan(declare({**data, "artefacts": wanted})).unsaid["amd64"]}
    assert set(found) == {*artefacts.KUBERNETES, "kata-go-static", "runc", "cni-plugins"}
    assert found["kubelet"].known == ["1.36.4"] and "1.4.3" in found["runc"].known
    assert found["cni-plugins"].url.endswith("cni-plugins-linux-amd64-v9.9.9.tgz")
    assert "kata-go-static" not in {each.name for each in plan(declare({**data, "artefacts": wanted})).unsaid["arm64"]}


def test_a_program_without_an_address_is_told_before_anything_is_touched() -> None:
    with pytest.raises(InvalidArgument, match=r"artefacts\.conmon\.url: the lock file has none"):
        declare({"artefacts": {"conmon": {"sha256": DIGEST}}})
