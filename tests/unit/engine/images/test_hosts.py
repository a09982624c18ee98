"""Where a registry's API is, and who may be spoken to in plain HTTP."""

import pytest

from orlop.engine.images.hosts import Hosts, RegistryHost, is_loopback


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000", "[::1]"])
def test_loopback_speaks_plain_http_where_that_is_configured(host: str) -> None:
    assert Hosts({}, plain_http_loopback=True).api(host) == f"http://{host}"
    assert Hosts({}).api(host) == f"https://{host}"


@pytest.mark.parametrize(
    "host", ["localhost.evil.test", "registry.test:5000", "127.0.0.1.evil.test", "10.0.0.1", "[::2]:1"]
)
def test_nobody_else_is_loopback(host: str) -> None:
    assert not is_loopback(host)
    assert Hosts({}, plain_http_loopback=True).api(host) == f"https://{host}"


def test_hosts_of_urls_are_seen_too() -> None:
    assert is_loopback("::1") and not is_loopback("fe80::1")


def test_an_entry_of_its_own_decides() -> None:
    hosts = Hosts({"localhost:5000": RegistryHost(), "r.test": RegistryHost(plain_http=True)}, plain_http_loopback=True)
    assert hosts.api("localhost:5000") == "https://localhost:5000"
    assert hosts.api("r.test") == "http://r.test"


def test_docker_io_has_its_api_elsewhere() -> None:
    assert Hosts({}).api("docker.io") == "https://registry-1.docker.io"
