"""The registry client against a registry that does as it is told: tokens, redirects, faults, limits, diagnostics."""

import asyncio
import json
import socket
import ssl
import subprocess

import pytest

from orlop.engine.images import transport
from orlop.engine.images.credentials import Credentials
from orlop.engine.images.hosts import Hosts, RegistryHost
from orlop.engine.images.manifest import MAX_MANIFEST, Descriptor
from orlop.engine.images.reference import parse
from orlop.engine.images.registry import Repository
from orlop.engine.images.resolve import resolve
from orlop.engine.images.transport import Transport
from orlop.model.errors import DataLoss, InvalidArgument, NotFound, Unauthenticated, Unavailable
from tests.fakes.faulty_registry import FaultyRegistry
from tests.fakes.images import OCI_MANIFEST, ImageBuilder, index
from tests.fakes.registry_client import read, repository

IMAGE = ImageBuilder().layer({"data": bytes(range(256)) * 2000}, compression="none").build()
LAYER = IMAGE.layers[0]
BLOB = Descriptor(digest=LAYER.digest, size=len(LAYER.blob))
ALICE = Credentials(username="alice", password="secret")


async def test_an_image_without_any_fault(registry):
    async with repository(registry.add(IMAGE, "a/b:1")) as source:
        resolved = await resolve(source, "1")
        assert (resolved.id, resolved.manifest_digest, resolved.top_digest) == (IMAGE.id, IMAGE.digest, IMAGE.digest)
        assert await read(source, BLOB) == LAYER.digest
    assert registry.seen.authorizations == [""] * 3


async def test_an_index_leads_to_this_machines_image(registry):
    both = index({"linux/amd64": IMAGE, "linux/arm64": IMAGE})
    async with repository(registry.add(both, "a/b:1")) as source:
        resolved = await resolve(source, both.digest)
        assert (resolved.top_digest, resolved.manifest_digest) == (both.digest, IMAGE.digest)


async def test_an_index_of_itself_ends(registry):
    nested = json.dumps({"schemaVersion": 2, "manifests": [{"digest": IMAGE.digest, "size": 1}]}).encode()
    name = registry.serve_manifest("a:1", nested, "application/vnd.oci.image.index.v1+json")
    registry.serve_manifest(f"a:{IMAGE.digest}", nested, "application/vnd.oci.image.index.v1+json")
    async with repository(name) as source:
        with pytest.raises(DataLoss, match="wrong digest"):
            await resolve(source, "1")


# Getting in.


async def test_a_token_is_fetched_once_for_many_requests(registry):
    registry.want_token(users={"alice": "secret"})
    async with repository(registry.add(IMAGE, "a:1"), credentials=ALICE) as source:
        await resolve(source, "1")
        await asyncio.gather(*(read(source, BLOB) for _ in range(5)))
    assert registry.seen.count("/token") == 1
    (_, token_request) = next(each for each in registry.seen.requests if each[1].startswith("/token"))
    assert "scope=repository:x:pull" in token_request and "service=faulty" in token_request
    assert "account=alice" in token_request


async def test_an_anonymous_token(registry):
    registry.want_token()
    async with repository(registry.add(IMAGE, "a:1")) as source:
        await resolve(source, "1")


async def test_a_token_that_expires_is_renewed(registry):
    registry.want_token(users={"alice": "secret"}, uses=2)
    async with repository(registry.add(IMAGE, "a:1"), credentials=ALICE) as source:
        for _ in range(3):
            await resolve(source, "1")
    assert registry.seen.count("/token") == 3


async def test_oauth2_by_post(registry):
    registry.want_token(users={"alice": "secret"}, only_post=True)
    async with repository(registry.add(IMAGE, "a:1"), credentials=ALICE) as source:
        await resolve(source, "1")
    (form,) = registry.seen.forms
    assert (form["grant_type"], form["username"], form["password"]) == ("password", "alice", "secret")


async def test_an_identity_token(registry):
    registry.want_token(users={"alice": "secret"})
    async with repository(registry.add(IMAGE, "a:1"), credentials=Credentials(identity_token="identity")) as source:
        await resolve(source, "1")
    (form,) = registry.seen.forms
    assert (form["grant_type"], form["service"]) == ("refresh_token", "faulty")


async def test_a_registry_token_is_used_as_it_is(registry):
    registry.want_token(users={})
    async with repository(registry.add(IMAGE, "a:1"), credentials=Credentials(registry_token="mine")) as source:
        with pytest.raises(Unauthenticated, match="refuses the given token"):
            await resolve(source, "1")
    assert registry.seen.count("/token") == 0
    assert registry.seen.authorizations == ["Bearer mine"]


async def test_a_wrong_password(registry):
    registry.want_token(users={"alice": "other"})
    async with repository(registry.add(IMAGE, "a:1"), credentials=ALICE) as source:
        with pytest.raises(Unauthenticated, match=r"refuses user 'alice' .*wrong user name or password") as error:
            await resolve(source, "1")
    assert "secret" not in str(error.value)


async def test_a_registry_that_never_lets_in(registry):
    registry.want_token(uses=0)
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(Unauthenticated, match=r"does not let us in \(manifest of .*a:1\): UNAUTHORIZED"):
            await resolve(source, "1")


async def test_tokens_are_not_fetched_by_plain_http_unless_so_configured(registry):
    challenge = {"WWW-Authenticate": 'Bearer realm="http://token.example/t"'}
    registry.answer("/manifests/", 401, headers=challenge)
    name = parse(registry.add(IMAGE, "a:1"))
    client = Transport(Hosts({}), backoff=())
    client.hosts = _ApiByHttp({})
    source = Repository(client, name, ALICE, progress_timeout=5)
    with pytest.raises(InvalidArgument, match=r"token from token.example by plain HTTP.*plain_http = true"):
        await source.manifest("1")
    await client.aclose()


class _ApiByHttp(Hosts):
    """The registry is reached although nothing says that plain HTTP is fine."""

    def api(self, domain, settings=None):
        return f"http://{domain}"


async def test_a_realm_that_is_no_address(registry):
    registry.answer("/manifests/", 401, headers={"WWW-Authenticate": 'Bearer realm="file:///etc/shadow"'})
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(InvalidArgument, match="no web address"):
            await resolve(source, "1")


async def test_a_redirect_elsewhere_goes_without_credentials(registry):
    async with FaultyRegistry() as storage:
        storage.add(IMAGE, "a:1")
        registry.want_token(users={"alice": "secret"})
        registry.redirect_blobs(f"http://{storage.host}")
        async with repository(registry.add(IMAGE, "a:1"), credentials=ALICE) as source:
            await source.manifest("1")
            assert await read(source, BLOB) == LAYER.digest
        assert storage.seen.authorizations == [""]
        assert any(each.startswith("Bearer ") for each in registry.seen.authorizations)


async def test_redirects_end(registry):
    registry.redirect_blobs(f"http://{registry.host}")
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(Unavailable, match="redirects without end"):
            await read(source, BLOB)


# Faults on the way.


async def test_numbers_that_are_none(registry):
    """Digits, as Unicode has it, but no number for Python either."""
    registry.answer("/manifests/", 503, headers={"Retry-After": "\u00b2"})
    registry.answer("/blobs/", 206, 206, headers={"Content-Range": "bytes \u00b2-5/6"})
    async with repository(registry.add(IMAGE, "a:1")) as source:
        assert (await source.manifest("1")).data == IMAGE.manifest
        assert await read(source, BLOB) == LAYER.digest


async def test_a_blob_that_breaks_is_resumed_where_it_stopped(registry):
    registry.break_blob(LAYER.digest, 100_000, 50_000)
    async with repository(registry.add(IMAGE, "a:1")) as source:
        assert await read(source, BLOB) == LAYER.digest
    first, second = (int(each.removeprefix("bytes=").rstrip("-")) for each in registry.seen.ranges)
    assert 0 < first <= 100_000 and first < second <= 150_000


async def test_a_server_without_ranges_sends_all_again(registry):
    registry.ignore_range()
    registry.break_blob(LAYER.digest, 100_000, 300_000)
    async with repository(registry.add(IMAGE, "a:1")) as source:
        assert await read(source, BLOB) == LAYER.digest
    assert len(registry.seen.ranges) == 2


async def test_a_blob_that_always_breaks_is_given_up(registry):
    registry.break_blob(LAYER.digest, *[1000] * 10)
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(
            Unavailable, match=rf"layer {LAYER.digest} of .*/a broke off at byte \d+ of {BLOB.size}, 3 times"
        ):
            await read(source, BLOB)
    assert registry.seen.count("/blobs/") == 3


async def test_a_stalled_blob_is_resumed(registry):
    registry.stall_blob(LAYER.digest, 100_000)
    async with repository(registry.add(IMAGE, "a:1"), timeout=0.2) as source:
        assert await read(source, BLOB) == LAYER.digest
    assert registry.seen.ranges == ["bytes=100000-"]


async def test_wrong_sizes(registry):
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(DataLoss, match="longer than the 10 bytes"):
            await read(source, Descriptor(digest=LAYER.digest, size=10))
        with pytest.raises(DataLoss, match=f"is truncated: {BLOB.size} bytes, its manifest says {BLOB.size + 1}"):
            await read(source, Descriptor(digest=LAYER.digest, size=BLOB.size + 1))


async def test_busy_servers_are_asked_again(registry):
    registry.answer("/manifests/", 503, 429, headers={"Retry-After": "0"})
    async with repository(registry.add(IMAGE, "a:1")) as source:
        await resolve(source, "1")
    assert registry.seen.count("/manifests/") == 3


async def test_and_given_up_in_the_end_with_their_own_words(registry):
    registry.answer("/manifests/", *[500] * 9, body='{"errors":[{"code":"UNKNOWN","message":"disk on fire"}]}')
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(Unavailable, match=r"answers 500 .*UNKNOWN: disk on fire \(.*; tried 3 times"):
            await resolve(source, "1")


async def test_refusals_in_the_registrys_own_words(registry):
    name = registry.add(IMAGE, "a:1")
    async with repository(name) as source:
        answer = (
            f"registry {registry.host} does not have the manifest of {registry.host}/a:2: MANIFEST_UNKNOWN: manifest"
        )
        with pytest.raises(NotFound, match=answer):
            await resolve(source, "2")
        registry.answer("/manifests/", 403, body='{"errors":[{"code":"DENIED"}]}')
        with pytest.raises(Unauthenticated, match=r"denies the manifest .*: DENIED"):
            await resolve(source, "1")
        registry.answer("/manifests/", 418, body="<html>\x1b[31mtea</html>")
        with pytest.raises(Unavailable, match=r"answers 418 .* <html> "):
            await resolve(source, "1")


async def test_oversized_documents_are_not_read_to_their_end(registry):
    name = registry.serve_manifest("a:1", b" " * (MAX_MANIFEST + 1), OCI_MANIFEST)
    async with repository(name) as source:
        with pytest.raises(InvalidArgument, match=f"larger than {MAX_MANIFEST} bytes"):
            await resolve(source, "1")


@pytest.mark.parametrize("data", [b"", b"not json", b"[1, 2]", b'{"layers": 7}', b"\xff\xfe"])
async def test_garbage_manifests(registry, data):
    async with repository(registry.serve_manifest("a:1", data, OCI_MANIFEST)) as source:
        with pytest.raises(InvalidArgument, match=r"the manifest of .*/a:1 cannot be read"):
            await resolve(source, "1")


async def test_a_manifest_with_another_digest_than_asked_for(registry):
    registry.add(IMAGE, "a:1")
    name = registry.serve_manifest(f"a:{'sha256:' + 'c' * 64}", IMAGE.manifest, OCI_MANIFEST)
    async with repository(name) as source:
        with pytest.raises(DataLoss, match=f"wrong digest: it is {IMAGE.digest}"):
            await resolve(source, parse(name).target)


async def test_a_configuration_with_another_digest(registry):
    name = registry.add(IMAGE, "a:1")
    registry.serve_blob(IMAGE.id, IMAGE.config[:-1] + b" ")
    async with repository(name) as source:
        with pytest.raises(DataLoss, match=f"configuration {IMAGE.id} of .* has the wrong digest"):
            await resolve(source, "1")


# No way to the registry.


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("plain", [True, False])
async def test_nobody_listens(plain):
    port = free_port()
    async with repository(f"127.0.0.1:{port}/a:1", plain=plain) as source:
        with pytest.raises(
            Unavailable, match=rf"registry 127.0.0.1:{port} cannot be reached: .*\(manifest of .*tried 3"
        ):
            await resolve(source, "1")


async def test_tls_to_a_plain_server_tells_the_remedy(registry):
    async with repository(registry.add(IMAGE, "a:1"), plain=False) as source:
        with pytest.raises(
            Unavailable, match=rf'does not speak TLS .*\[registries."{registry.host}"\] plain_http = true'
        ):
            await resolve(source, "1")


async def test_a_server_that_does_not_answer(registry, monkeypatch):
    monkeypatch.setattr(transport, "ANSWER_TIMEOUT", 0.05)
    registry.slow_down(1)
    async with repository(registry.add(IMAGE, "a:1")) as source:
        with pytest.raises(Unavailable, match="does not answer in time"):
            await resolve(source, "1")


@pytest.fixture
def certificate(tmp_path):
    argv = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test "
    argv += f"-addext subjectAltName=IP:127.0.0.1 -keyout {tmp_path}/key -out {tmp_path}/cert"
    subprocess.run(argv.split(), check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{tmp_path}/cert", f"{tmp_path}/key")
    return f"{tmp_path}/cert", context


async def test_tls_with_and_without_trust(certificate):
    path, context = certificate
    async with FaultyRegistry(tls=context) as registry:
        name = registry.add(IMAGE, "a:1")
        async with repository(name, hosts={registry.host: RegistryHost(ca_file=path)}) as source:
            assert (await resolve(source, "1")).id == IMAGE.id
        async with repository(name, plain=False) as source:
            with pytest.raises(Unavailable, match=r"certificate is not trusted .*ca_file"):
                await resolve(source, "1")
        async with repository(name, hosts={registry.host: RegistryHost(ca_file="/none")}) as source:
            with pytest.raises(Unavailable, match="its ca_file /none cannot be used"):
                await resolve(source, "1")


async def test_tls_does_not_fall_back_to_plain_http_by_a_redirect(certificate, registry):
    path, context = certificate
    async with FaultyRegistry(tls=context) as secure:
        secure.redirect_blobs(f"http://{registry.host}")
        name = secure.add(IMAGE, "a:1")
        registry.add(IMAGE, "a:1")
        async with repository(name, hosts={secure.host: RegistryHost(ca_file=path)}) as source:
            with pytest.raises(InvalidArgument, match=f"redirects to {registry.host} by plain HTTP"):
                await read(source, BLOB)
    assert registry.seen.requests == []
