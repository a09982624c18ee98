"""Where a registry may send the node: to no address that is none, and to no service of the node itself."""

import socket

import pytest

from orlop.engine.images.hosts import RegistryHost
from orlop.engine.images.manifest import Descriptor
from orlop.engine.images.resolve import resolve
from orlop.model.errors import InvalidArgument
from tests.fakes.faulty_registry import FaultyRegistry
from tests.fakes.images import ImageBuilder
from tests.fakes.registry_client import read, repository

IMAGE = ImageBuilder().layer({"data": b"1" * 2000}, compression="none").build()
LAYER = IMAGE.layers[0]
BLOB = Descriptor(digest=LAYER.digest, size=len(LAYER.blob))


@pytest.mark.parametrize("realm", ["http://[::1", "http://h:99999999/t", "http:///t"])
async def test_a_realm_that_cannot_be_read(registry, realm):
    registry.answer("/manifests/", 401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(InvalidArgument, match="no web address"):
            await resolve(source, "1")


@pytest.mark.parametrize("location", ["http://[::1", "http://h:99999999/t", "ftp://h/t"])
async def test_a_redirect_that_cannot_be_read(registry, location):
    registry.answer("/manifests/", 307, headers={"Location": location})
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(InvalidArgument, match=f"registry {registry.host} redirects to"):
            await resolve(source, "1")


@pytest.fixture
def elsewhere(registry, monkeypatch):
    """The registry under a name that does not tell that it is on this machine."""
    real = socket.getaddrinfo

    def found(host, *rest, **more):
        return real("127.0.0.1" if host == "registry.test" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    registry.add(IMAGE, "a:1")
    return f"registry.test:{registry.port}"


async def test_a_registry_elsewhere_does_not_send_us_to_services_of_the_node(registry, elsewhere):
    """What they say to it would stand in a pod's events."""
    async with FaultyRegistry() as service:
        service.add(IMAGE, "a:1")
        hosts = {elsewhere: RegistryHost(plain_http=True)}
        async with repository(f"{elsewhere}/a:1", hosts=hosts) as source:
            for address in (service.host, f"somebody@{service.host}", f"localhost:{service.port}"):
                registry.redirect_blobs(f"http://{address}")
                with pytest.raises(InvalidArgument, match=f"redirects to {address}, a service of this node; allow it"):
                    await read(source, BLOB)
                registry.answer("/manifests/", 401, headers={"WWW-Authenticate": f'Bearer realm="http://{address}/t"'})
                with pytest.raises(InvalidArgument, match=f"a token from {address}, a service of this node; allow it"):
                    await source.manifest("1")
        assert service.seen.requests == []
        registry.redirect_blobs(f"http://{service.host}")
        async with repository(f"{elsewhere}/a:1", hosts=hosts | {service.host: RegistryHost()}) as source:
            assert await read(source, BLOB) == LAYER.digest
