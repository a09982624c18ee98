"""What a declaration accepts, and how it refuses the rest."""

from typing import Any

import pytest

from orlop.model.errors import InvalidArgument
from orlop.node.declaration import Bridge, External
from orlop.node.declaring import declare


def test_nothing_said_is_a_whole_declaration() -> None:
    declared = declare({})
    assert isinstance(declared.network, Bridge)
    assert set(declared.handlers) == {"runc", "crun"}


def test_another_provider_chooses_another_type() -> None:
    assert isinstance(declare({"network": {"provider": "external"}}).network, External)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"handler": {}}, "handler: there is no such key; did you mean handlers?"),
        (
            {"network": {"provider": "bridge", "pod_cidr": []}},
            "network.pod_cidr: there is no such key; did you mean pod_cidrs?",
        ),
        (
            {"daemon": {"network": {"conf_dirs": "/x"}}},
            "daemon.network.conf_dirs: there is no such key; did you mean conf_dir?",
        ),
        ({"handlers": {"runc": {"paht": "/x"}}}, "handlers.runc.paht: there is no such key; did you mean path?"),
        ({"host": {"zzz": 1}}, "host.zzz: there is no such key; known here: sysctls, modules"),
        ({"network": {"provider": "bridge", "mtu": "big"}}, "network.mtu: expected int, got str"),
        (
            {"network": {"provider": "weaver"}},
            "network.provider: must be one of bridge, external, flannel, cilium, weave, not 'weaver'",
        ),
        ({"network": {"provider": "external", "mtu": 1}}, "network.mtu: there is no such key"),
        ({"daemon": {"images": {"max_concurrent_downloads": 0}}}, "daemon.images.max_concurrent_downloads: expected"),
        ({"daemon": {"handlers": {}}}, "daemon.handlers: say it as handlers at the declaration's top"),
        ({"handlers": {"Bad_Name": {}}, "default_handler": "Bad_Name"}, "Bad_Name"),
        ({"kubernetes": "1.12"}, "kubernetes: '1.12' is not in the lock file; it has 1.35, 1.36, 1.37"),
        ({"kubernetes": 1.37}, "kubernetes: a number loses its last zero"),
        ({"default_handler": "kata"}, "default_handler: 'kata' is not among the handlers (crun, runc)"),
        (
            {"network": {"provider": "bridge", "pod_cidrs": ["10.0.0.1/8"]}},
            "network.pod_cidrs: 10.0.0.1/8 has host bits set",
        ),
        ({"network": {"provider": "bridge", "pod_cidrs": []}}, "network.pod_cidrs: give one network"),
        ({"network": {"provider": "bridge", "pod_cidrs": ["10.0.0.0/8", "11.0.0.0/8"]}}, "one per IP family"),
        ({"host": {"sysctls": {"kernel": 1}}}, "host.sysctls"),
    ],
)
def test_a_mistake_is_named_with_its_place(data: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        declare(data)
    assert told in str(caught.value)


def test_every_unknown_name_is_told_at_once() -> None:
    with pytest.raises(InvalidArgument) as caught:
        declare({"handler": {}, "host": {"module": []}})
    assert "handlers" in str(caught.value) and "modules" in str(caught.value)
