"""registries.conf, certs.d and auth.json at work: real registries, and one that fails where it is told to."""

import asyncio
import base64
import hashlib
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orlop.model.errors import FailedPrecondition, InvalidArgument, NotFound, Unauthenticated, Unavailable
from orlop.model.image import AuthConfig
from tests.fakes.faulty_registry import FaultyRegistry
from tests.fakes.images import ImageBuilder
from tests.parts import image_store
from tests.parts.registry import Registry

IMAGE = ImageBuilder().layer({"a": b"1"}).layer({"b": bytes(range(256)) * 4000}, compression="none").build()
OTHER = ImageBuilder().layer({"other": b"1"}).build()


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("private"), users={"ann": "secret"}) as found:
        yield found


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return tmp_path / "registries.conf"


@pytest.fixture
async def store(tmp_path: Path, conf: Path):
    async with image_store.opened(tmp_path / "store", **settings(tmp_path, conf)) as found:
        yield found


def settings(tmp_path: Path, conf: Path) -> dict[str, Any]:
    return {
        "registries_conf": str(conf),
        "certificates": (str(tmp_path / "certs.d"),),
        "auth_files": (str(tmp_path / "auth.json"),),
        "namespaced_auth": str(tmp_path / "namespaces"),
    }


def moved(prefix: str, location: str, *mirrors: str, **keys: object) -> str:
    """A [[registry]] table."""
    lines = [f'prefix = "{prefix}"', f'location = "{location}"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    tables = "".join(f'[[registry.mirror]]\nlocation = "{each}"\n' for each in mirrors)
    return "[[registry]]\n" + "\n".join(lines) + "\n" + tables


def login(user: str) -> str:
    return json.dumps({"auth": base64.b64encode(user.encode()).decode()})


async def test_a_rewritten_name_is_kept_as_it_was_asked_for(store, conf, registry):
    registry.push(IMAGE, "copies/team/app:1")
    conf.write_text(moved("hub.test", f"{registry.host}/copies"))
    record = await store.images.pull("hub.test/team/app:1")
    assert (record.tags, record.digests) == (("hub.test/team/app:1",), (f"hub.test/team/app@{IMAGE.digest}",))
    assert await store.images.pull(f"hub.test/team/app@{IMAGE.digest}") == record


async def test_a_mirror_is_asked_first_and_the_next_one_when_it_has_not_got_it(store, conf, registry):
    registry.push(IMAGE, "app:1")
    name = registry.push(OTHER, "app:2")
    async with FaultyRegistry() as mirror:
        mirror.add(IMAGE, "m/app:1")
        conf.write_text(moved(registry.host, registry.host, f"{mirror.host}/m"))
        assert (await store.images.pull(f"{registry.host}/app:1")).id == IMAGE.id
        assert mirror.seen.count("/blobs/") == 3, "all of it"
        assert (await store.images.pull(name)).id == OTHER.id
        assert mirror.seen.count("/m/app/manifests/2") == 1


async def test_a_mirror_that_breaks_off_for_good_is_gone_on_from(store, conf, registry):
    name = registry.push(IMAGE, "broken:1")
    async with FaultyRegistry() as mirror:
        mirror.add(IMAGE, "broken:1")
        mirror.break_blob(IMAGE.layers[1].digest, *[1000] * 20)
        conf.write_text(moved(registry.host, registry.host, mirror.host))
        assert (await store.images.pull(name)).id == IMAGE.id
        assert mirror.seen.ranges, "it was tried again before it was given up"


async def test_all_that_failed_is_told(store, conf, registry):
    conf.write_text(moved("hub.test", f"{registry.host}/none", "127.0.0.1:9/m"))
    with pytest.raises(Unavailable, match=r"does not have .*; before that: registry 127\.0\.0\.1:9 cannot be reached"):
        await store.images.pull("hub.test/app:1")
    store.assert_empty()


async def test_blocked_registries_and_changes_while_it_runs(store, conf, registry):
    name = registry.push(OTHER, "blocked:1")
    conf.write_text(moved(registry.host, registry.host, blocked=True))
    with pytest.raises(FailedPrecondition, match=rf"registry {registry.host} is blocked by {conf}"):
        await store.images.pull(name)
    conf.write_text("nonsense")
    with pytest.raises(FailedPrecondition, match="is blocked"):
        await store.images.pull(name)
    conf.write_text("")
    assert (await store.images.pull(name)).id == OTHER.id


async def test_short_names(store, conf, registry):
    registry.push(IMAGE, "team/tool:1")
    registry.push(OTHER, "plain:latest")
    search = f'unqualified-search-registries = ["127.0.0.1:9", "{registry.host}"]\n'
    conf.write_text(f'{search}short-name-mode = "permissive"\n[aliases]\ntool = "{registry.host}/team/tool"\n')
    record = await store.images.pull("tool:1")
    assert (record.id, record.tags) == (IMAGE.id, (f"{registry.host}/team/tool:1",))
    assert await store.images.find("tool:1") == record, "the kubelet goes on asking by the short name"
    assert (await store.images.pull("plain")).tags == (f"{registry.host}/plain:latest",)
    with pytest.raises(Unavailable, match="before that"):
        await store.images.pull("nowhere")
    assert await store.images.remove("tool:1") == [IMAGE.id]
    conf.write_text(search)
    with pytest.raises(InvalidArgument, match="enforcing with 2 registries"):
        await store.images.pull("plain")


async def test_credentials_go_only_to_whom_they_are_for(store, conf, registry):
    registry.push(IMAGE, "secret:1")
    async with FaultyRegistry() as mirror:
        mirror.want_token(users={"ann": "secret"})
        mirror.add(IMAGE, "secret:1")
        conf.write_text(moved("hub.test", registry.host, mirror.host))
        await store.images.pull("hub.test/secret:1", AuthConfig(username="ann", password="secret"))
        assert not any("Basic" in each for each in mirror.seen.authorizations), "a mirror is somebody else"
        given = AuthConfig(username="ann", password="secret", server_address=mirror.host)
        await store.images.pull("hub.test/secret:1", given)
        assert any("Basic" in each for each in mirror.seen.authorizations)


async def test_auth_json_of_the_node_and_of_a_namespace(store, tmp_path, private):
    name = private.push(IMAGE, "team/app:1")
    with pytest.raises(Unauthenticated):
        await store.images.pull(name)
    (tmp_path / "auth.json").write_text('{"auths": {"%s/team": %s}}' % (private.host, login("ann:secret")))  # noqa: UP031
    assert (await store.images.pull(name)).id == IMAGE.id
    (tmp_path / "auth.json").unlink()
    with pytest.raises(Unauthenticated):
        await store.images.pull(name)
    (tmp_path / "namespaces").mkdir()
    digest = hashlib.sha256(name.encode()).hexdigest()
    own = tmp_path / "namespaces" / f"blue-{digest}.json"
    own.write_text('{"auths": {"%s": %s}}' % (private.host, login("ann:secret")))  # noqa: UP031
    answers = await asyncio.gather(
        store.images.pull(name, namespace="blue"), store.images.pull(name, namespace="red"), return_exceptions=True
    )
    assert isinstance(answers[1], Unauthenticated) and not isinstance(answers[0], Exception)


async def test_no_password_is_logged(store, tmp_path, private, caplog):
    name = private.push(IMAGE, "logged:1")
    caplog.set_level("DEBUG")
    (tmp_path / "auth.json").write_text('{"auths": {"%s": %s}}' % (private.host, login("ann:wr0ng")))  # noqa: UP031
    with pytest.raises(Unauthenticated) as caught:
        await store.images.pull(name)
    with pytest.raises(Unauthenticated) as other:
        await store.images.pull(name, AuthConfig(username="ann", password="wr0ng", auth="wr0ng"))
    told = f"{caplog.text} {caught.value} {other.value}"
    assert "wr0ng" not in told and base64.b64encode(b"ann:wr0ng").decode() not in told


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Path:
    """A directory with an authority, and a server's and a client's certificate signed by it."""
    place = tmp_path_factory.mktemp("tls")
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    openssl(f"req -x509 {curve} -subj /CN=authority -keyout {place}/ca.key -out {place}/ca.crt")
    for name in ("server", "client"):
        openssl(f"req {curve} -subj /CN={name} -addext subjectAltName=IP:127.0.0.1 -keyout {place}/{name}.key "
                f"-out {place}/{name}.csr")  # fmt: skip
        openssl(f"x509 -req -in {place}/{name}.csr -CA {place}/ca.crt -CAkey {place}/ca.key -CAcreateserial -days 2 "
                f"-copy_extensions copy -out {place}/{name}.crt")  # fmt: skip
    return place


def openssl(arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)


def serving(authority: Path, *, clients: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority / "ca.crt"))
    context.load_cert_chain(authority / "server.crt", authority / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED if clients else ssl.CERT_NONE
    return context


async def test_certs_d(tmp_path, conf, authority):
    options = settings(tmp_path, conf) | {"plain_http_loopback": False}
    async with (
        FaultyRegistry(tls=serving(authority, clients=True)) as registry,
        image_store.opened(tmp_path / "store", **options) as store,
    ):
        name = registry.add(IMAGE, "a:1")
        with pytest.raises(Unavailable, match="certificate is not trusted"):
            await store.images.pull(name)
        place = tmp_path / "certs.d" / registry.host
        place.mkdir(parents=True)
        (place / "ca.crt").write_bytes((authority / "ca.crt").read_bytes())
        with pytest.raises(Unavailable):  # trusted now, but it wants to know who asks
            await store.images.pull(name)
        (place / "us.cert").write_bytes((authority / "client.crt").read_bytes())
        with pytest.raises(Unavailable, match=r"us\.cert has no key: .*us\.key is missing"):
            await store.images.pull(name)
        (place / "us.key").write_bytes((authority / "client.key").read_bytes())
        assert (await store.images.pull(name)).id == IMAGE.id
        (place / "ca.crt").write_text("nonsense")
        with pytest.raises(Unavailable, match=r"the certificate .*ca\.crt cannot be used"):
            await store.images.pull(name)


async def test_insecure_means_any_certificate_or_none_and_only_for_its_prefix(tmp_path, conf, authority):
    options = settings(tmp_path, conf) | {"plain_http_loopback": False}
    async with (
        FaultyRegistry(tls=serving(authority)) as secure,
        FaultyRegistry() as plain,
        image_store.opened(tmp_path / "store", **options) as store,
    ):
        places = [f"{each.host}/open" for each in (secure, plain)]
        conf.write_text("".join(moved(place, place, insecure=True) for place in places))
        for registry in (secure, plain):
            assert (await store.images.pull(registry.add(IMAGE, "open/a:1"))).id == IMAGE.id
            with pytest.raises(Unavailable, match=r"certificate is not trusted|does not speak TLS"):
                await store.images.pull(registry.add(IMAGE, "other/a:1"))


async def test_a_name_that_no_place_has(store, conf, registry):
    with pytest.raises(NotFound):
        await store.images.pull(f"{registry.host}/never/pushed:1")
    store.assert_empty()
