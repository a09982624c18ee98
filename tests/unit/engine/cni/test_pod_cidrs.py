"""The kubelet's pod CIDRs: remembered, and filled into a template. The template's mistakes are told."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.cni.network import Network
from orlop.engine.cni.pod_cidrs import FILE, PodCidrs
from orlop.model.errors import FailedPrecondition, InvalidArgument, OrlopError
from tests.fakes.cni import FakePlugins
from tests.harness.waiting import until

TEMPLATE = """{
  "cniVersion": "1.0.0", "name": "pods",
  "plugins": [{"type": "one", "subnet": "{{ pod_cidr }}", "all": {{ pod_cidrs | tojson }},
               "ipam": {"ranges": {{ ranges | tojson }}, "routes": {{ routes | tojson }}}}]
}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "pods.conflist.j2"
    path.write_text(TEMPLATE)
    return path


def cidrs(tmp_path: Path, template: Path) -> PodCidrs:
    (tmp_path / "net.d").mkdir(exist_ok=True)
    return PodCidrs(memory=str(tmp_path / "pod-cidr"), template=str(template), conf_dir=str(tmp_path / "net.d"))


def test_the_template_is_filled(tmp_path: Path, template: Path) -> None:
    known = cidrs(tmp_path, template)
    assert "waits for the kubelet" in known.complaint
    known.take("10.244.1.0/24, fd00:1::/64")
    assert known.complaint == ""
    (plugin,) = json.loads((tmp_path / "net.d" / FILE).read_text())["plugins"]
    assert (plugin["subnet"], plugin["all"]) == ("10.244.1.0/24", ["10.244.1.0/24", "fd00:1::/64"])
    assert plugin["ipam"] == {
        "ranges": [[{"subnet": "10.244.1.0/24"}], [{"subnet": "fd00:1::/64"}]],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
    }


def test_the_next_daemon_remembers(tmp_path: Path, template: Path) -> None:
    cidrs(tmp_path, template).take("10.244.1.0/24")
    template.write_text(TEMPLATE.replace('"pods"', '"renamed"'))
    successor = cidrs(tmp_path, template)
    successor.recall()
    assert successor.known == ("10.244.1.0/24",)
    assert json.loads((tmp_path / "net.d" / FILE).read_text())["name"] == "renamed"


def test_a_damaged_memory_is_none(tmp_path: Path, template: Path) -> None:
    (tmp_path / "pod-cidr").write_text("10.244.1")
    known = cidrs(tmp_path, template)
    known.recall()
    assert known.known == ()
    assert list((tmp_path / "net.d").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{{ pod_cdir }}", "pod_cdir"),
        ("line\n{{ ranges | }}", "line 2"),
        ("{}", "cniVersion"),
        ("{{ 1 / 0 }}", "division by zero"),
        (TEMPLATE.replace('"name": "pods",', ""), "lacks the field name"),
    ],
)
def test_a_mistake_in_the_template_is_told_and_nothing_is_written(
    tmp_path: Path, template: Path, content: str, words: str
) -> None:
    template.write_text(content)
    known = cidrs(tmp_path, template)
    with pytest.raises(FailedPrecondition) as caught:
        known.take("10.244.1.0/24")
    assert words in str(caught.value)
    assert str(template) in str(caught.value)
    assert known.complaint == str(caught.value)
    assert list((tmp_path / "net.d").iterdir()) == []


def test_a_missing_template_is_told(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match=r"nowhere: No such file"):
        cidrs(tmp_path, tmp_path / "nowhere").take("10.244.1.0/24")


@given(st.text(max_size=40))
def test_no_text_does_worse_than_a_complaint(text: str) -> None:
    try:
        PodCidrs().take(text)
    except OrlopError as error:
        assert isinstance(error, InvalidArgument)


async def test_the_network_comes_with_the_pod_cidr(fake: FakePlugins, tmp_path: Path, template: Path) -> None:
    fake.install("one")
    network = Network(
        conf_dir=str(fake.conf), plugin_dirs=[str(fake.bin)], cache_dir=str(fake.cache),
        conf_template=str(template), pod_cidr_file=str(tmp_path / "pod-cidr"),
    )  # fmt: skip
    await network.start()
    assert "waits for the kubelet" in network.readiness().message
    await network.update_pod_cidr("10.244.1.0/24")
    await until(lambda: network.readiness().ready)
    assert network.describe()["name"] == "pods"
    await network.close()
