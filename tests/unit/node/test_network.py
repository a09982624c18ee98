"""The conflist of the declared network."""

from orlop.node.declaration import Bridge
from orlop.node.network import CNI_VERSION, conflist


def kinds(network: Bridge) -> list[str]:
    return [plugin["type"] for plugin in conflist(network)["plugins"]]


def test_the_chain_is_what_was_asked_for() -> None:
    assert kinds(Bridge()) == ["bridge", "portmap"]
    assert kinds(Bridge(host_ports=False, firewall=True)) == ["bridge", "firewall"]


def test_the_version_is_one_that_debians_plugins_know() -> None:
    assert conflist(Bridge())["cniVersion"] == CNI_VERSION == "1.0.0"


def test_each_family_has_a_range_and_a_way_out() -> None:
    ipam = conflist(Bridge(pod_cidrs=("10.9.0.0/24", "fd00::/64")))["plugins"][0]["ipam"]
    assert ipam["ranges"] == [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd00::/64"}]]
    assert [route["dst"] for route in ipam["routes"]] == ["0.0.0.0/0", "::/0"]


def test_no_mtu_leaves_it_to_the_plugin() -> None:
    assert "mtu" not in conflist(Bridge())["plugins"][0]
    assert conflist(Bridge(mtu=1400))["plugins"][0]["mtu"] == 1400
