"""Values that must fit each other."""

from typing import Any

import msgspec
import pytest

from orlop.config.check import check
from orlop.config.schema import Config


def problems(tree: dict[str, Any]) -> list[str]:
    """What is wrong with a configuration of these values."""
    return [str(problem) for problem in check(msgspec.convert(tree, Config))]


def test_the_default_is_right() -> None:
    assert problems({}) == []


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"daemon": {"socket": "/" + "s" * 107}}, "daemon.socket: a socket's path may have 107 bytes"),
        ({"daemon": {"root_dir": "/run/orlop/"}}, "daemon.root_dir: must not be daemon.state_dir"),
        ({"monitor": {"path": "conmon"}}, "monitor.path: 'conmon' must be an absolute path, or empty"),
        ({"cgroup": {"driver": "systemd", "default_parent": "/x"}}, "cgroup.default_parent: '/x': the systemd driver"),
        (
            {"cgroup": {"driver": "cgroupfs", "default_parent": "a.slice"}},
            "cgroup.default_parent: 'a.slice': the cgroupfs",
        ),
        ({"cgroup": {"default_parent": "x"}}, "cgroup.default_parent: 'x' is neither a path nor"),
        ({"cgroup": {"monitor": "own"}}, "cgroup.monitor: 'own' is neither"),
        ({"handlers": {}}, "handlers: there must be at least one"),
        ({"handlers": {"crun": {}}}, "default_handler: 'runc' is not among the handlers: crun"),
        ({"handlers": {"runc": {}, "Bad_Name": {}}}, "handlers.Bad_Name: a handler's name has lower-case"),
        ({"handlers": {"runc": {"path": "runc"}}}, "handlers.runc.path: 'runc' must be an absolute path"),
        (
            {"handlers": {"runc": {"pod_annotations": ["io.x.*", "*"]}}},
            'handlers.runc.pod_annotations: "*" would let pods give the runtime any order',
        ),
        ({"handlers": {"runc": {"pod_annotations": ["?*"]}}}, 'handlers.runc.pod_annotations: "?*" would let pods'),
        ({"container": {"default_capabilities": ["CAP_CHOWN"]}}, "container.default_capabilities: 'CAP_CHOWN'"),
        ({"container": {"default_sysctls": {"not one": "1"}}}, 'container.default_sysctls."not one": is not the name'),
        ({"container": {"default_env": {"A=B": "1"}}}, 'container.default_env."A=B": is not the name'),
        ({"container": {"pids_limit": 0}}, "container.pids_limit: must be -1"),
        ({"container": {"shm_size": 0}}, "container.shm_size: must be at least"),
        ({"container": {"seccomp_profile": "x.json"}}, "container.seccomp_profile: 'x.json' must be"),
        ({"images": {"pause_image": ""}}, "images.pause_image: must name an image"),
        ({"registries": {"https://r.test": {}}}, 'registries."https://r.test": must be host or host:port'),
        ({"registries": {"r": {"username": "u"}}}, "registries.r: username and password go together"),
        ({"registries": {"r": {"plain_http": True, "ca_file": "/c"}}}, "registries.r.ca_file: has no meaning"),
        ({"streaming": {"tls": {"cert_file": "/c"}}}, "streaming.tls: cert_file and key_file go together"),
        ({"streaming": {"tls": {"client_ca_file": "/c"}}}, "streaming.tls.client_ca_file: has no meaning"),
        ({"streaming": {"address": "localhost"}}, "streaming.address: 'localhost' is not an IP address"),
        ({"metrics": {"address": "9090"}}, "metrics.address: '9090' is not host:port"),
        ({"metrics": {"address": "[::1]:99999"}}, "metrics.address"),
        ({"nri": {"socket": "nri.sock"}}, "nri.socket: 'nri.sock' must be an absolute path"),
        ({"nri": {"socket": "/" + "x" * 120}}, "nri.socket: a socket's path may have 107 bytes"),
        ({"nri": {"request_timeout": 0}}, "nri.request_timeout: must be more than 0"),
    ],
)
def test_each_mistake_is_told_under_its_key(tree: dict[str, Any], told: str) -> None:
    assert any(problem.startswith(told) for problem in problems(tree)), problems(tree)


@pytest.mark.parametrize(
    "tree",
    [
        {"cgroup": {"driver": "systemd", "default_parent": "kube.slice"}},
        {"cgroup": {"driver": "cgroupfs", "default_parent": "/kube", "monitor": "/monitors"}},
        {"handlers": {"kata-qemu": {"path": "/opt/kata/x"}}, "default_handler": "kata-qemu"},
        {"container": {"default_sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"}, "pids_limit": 100}},
        {"registries": {"[::1]:5000": {}, "127.0.0.1:5000": {}, "docker.io": {"username": "u", "password": "p"}}},
        {"metrics": {"address": "[::]:9090"}, "streaming": {"address": "::1"}},
    ],
)
def test_what_is_right_passes(tree: dict[str, Any]) -> None:
    assert problems(tree) == []
