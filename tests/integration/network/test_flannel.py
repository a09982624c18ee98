"""flannel for real: pods on two machines reach each other, through restarts, with the right MTU, and leave nothing."""

import errno
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.network.flannel import Cluster, flannel
from tests.integration.network.machines import Machine
from tests.integration.network.traffic import connection, ping, says, tcp, udp

BACKENDS = {"vxlan": ({"Type": "vxlan"}, 1450), "host-gw": ({"Type": "host-gw"}, 1500)}
"""Backend and the MTU that it leaves on a wire of 1500 bytes: VXLAN takes 50."""
MANY = 50


@pytest.fixture(params=BACKENDS)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with flannel(BACKENDS[request.param][0]) as cluster:
        yield cluster


def mtu_of(request: pytest.FixtureRequest) -> int:
    return BACKENDS[request.node.callspec.params["cluster"]][1]


@pytest.mark.timeout(600)
def test_pods_of_two_machines(cluster: Cluster, request: pytest.FixtureRequest) -> None:
    one, two = cluster.one, cluster.two
    first, second, third = one.pod(), one.pod(), two.pod()
    for client, server in ((first, third), (third, first), (first, second)):
        # Between pods nothing is translated: each sees the other's own address.
        assert tcp(client[0], server[0], server[1]) == client[1]
        assert udp(client[0], server[0], server[1]) == client[1]
        assert ping(client[0], server[1])
    largest = mtu_of(request) - 28
    assert udp(first[0], third[0], third[1], largest) == first[1]
    with pytest.raises(OSError, match="too long") as caught:
        udp(first[0], third[0], third[1], largest + 1)
    assert caught.value.errno == errno.EMSGSIZE

    with connection(first[0], third[0], third[1]) as (near, far), connection(third[0], second[0], second[1]) as other:
        cluster.restart()
        assert says(near, far, b"still here")
        assert says(*other, b"here too")
    fourth = two.pod()
    assert tcp(first[0], fourth[0], fourth[1]) == first[1]
    assert fourth[1].rpartition(".")[0] == third[1].rpartition(".")[0]  # the machine kept its subnet
    _all_gone(one, two)


def _all_gone(*machines: Machine) -> None:
    for machine in machines:
        assert machine.network.leases()
        machine.pods.remove_all()
        assert machine.network.leases() == set()
        assert "veth" not in machine.inside("ip", "-o", "link")
        assert list((machine.base / "flannel").iterdir()) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("cluster", ["vxlan"], indirect=True)
def test_fifty_pods_on_each(cluster: Cluster) -> None:
    with ThreadPoolExecutor(8) as pool:
        ones = list(pool.map(lambda _: cluster.one.pod(), range(MANY)))
        twos = list(pool.map(lambda _: cluster.two.pod(), range(MANY)))
        assert len({address for _, address in (*ones, *twos)}) == 2 * MANY
        seen = pool.map(lambda pair: tcp(pair[0][0], pair[1][0], pair[1][1]), zip(ones, reversed(twos), strict=True))
        assert list(seen) == [address for _, address in ones]
    _all_gone(cluster.one, cluster.two)
