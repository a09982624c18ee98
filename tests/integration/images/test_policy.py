"""The signature policy at work: gpg's and cosign's signatures, on a real registry and beside it."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from orlop.model.errors import SignatureValidationFailed, Unavailable
from tests.fakes.faulty_registry import FaultyRegistry
from tests.fakes.images import ImageBuilder, index
from tests.parts import image_store, signing
from tests.parts.registry import Registry

IMAGE = ImageBuilder().layer({"a": b"1"}).build()
OTHER = ImageBuilder().layer({"a": b"2"}).build()


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def ann(tmp_path_factory):
    with signing.Gpg(tmp_path_factory.mktemp("ann") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def eve(tmp_path_factory):
    with signing.Gpg(tmp_path_factory.mktemp("eve") / "home") as found:
        yield found


@pytest.fixture
async def store(tmp_path: Path):
    (tmp_path / "registries.d").mkdir()
    place = f"default-docker: {{lookaside: 'file://{tmp_path}/signatures'}}"
    (tmp_path / "registries.d" / "default.yaml").write_text(place)
    async with image_store.opened(
        tmp_path / "store",
        policy=str(tmp_path / "policy.json"),
        policy_required=True,
        namespaced_policies=str(tmp_path / "namespaces"),
        signature_places=str(tmp_path / "registries.d"),
    ) as found:
        yield found


def write(place: Path, *requirements: dict[str, Any], **scopes: list[dict[str, Any]]) -> None:
    place.write_text(json.dumps({"default": list(requirements), "transports": {"docker": scopes}}))


def signed_by(gpg: signing.Gpg, **keys: Any) -> dict[str, Any]:
    data = base64.b64encode(gpg.public).decode()
    return {"type": "signedBy", "keyType": "GPGKeys", "keyData": data, **keys}


def sigstore_signed(*keys: signing.Cosign, **more: Any) -> dict[str, Any]:
    datas = [base64.b64encode(key.public).decode() for key in keys]
    return {"type": "sigstoreSigned", "keyDatas": datas, "signedIdentity": {"type": "matchRepository"}, **more}


def put(tmp_path: Path, repository: str, digest: str, *signatures: bytes) -> None:
    place = tmp_path / "signatures" / f"{repository}@{digest.replace(':', '=')}"
    place.mkdir(parents=True, exist_ok=True)
    for number, signature in enumerate(signatures, 1):
        (place / f"signature-{number}").write_bytes(signature)


async def test_reject_accept_and_a_policy_that_is_missing(store, tmp_path, registry):
    name = registry.push(IMAGE, "plain:1")
    with pytest.raises(SignatureValidationFailed, match=r"policy\.json .*is missing"):
        await store.images.pull(name)
    write(tmp_path / "policy.json", {"type": "reject"})
    with pytest.raises(SignatureValidationFailed, match=rf"image {name}: the policy rejects it"):
        await store.images.pull(name)
    store.assert_empty()
    scope = {f"{registry.host}/plain": [{"type": "insecureAcceptAnything"}]}
    write(tmp_path / "policy.json", {"type": "reject"}, **scope)
    assert (await store.images.pull(name)).id == IMAGE.id


async def test_a_gpg_signature(store, tmp_path, registry, ann, eve):
    name = registry.push(IMAGE, "team/app:1")
    write(tmp_path / "policy.json", signed_by(ann))
    with pytest.raises(SignatureValidationFailed, match="no GPG signature of it is accepted: there is none"):
        await store.images.pull(name)
    good = ann.sign(IMAGE.digest, name)
    for bad, words in (
        (eve.sign(IMAGE.digest, name), "does not find it good: .*NO_PUBKEY"),
        (good[:-20], "does not find it good"),
        (b"nonsense", "does not find it good"),
        (ann.sign(OTHER.digest, name), "it is for the manifest"),
        (ann.sign(IMAGE.digest, name.replace("team/app", "team/other")), "it is for the image '.*/team/other:1'"),
        (ann.sign(IMAGE.digest, name.replace(":1", ":2")), "it is for the image"),
        (ann.sign(IMAGE.digest, name, type=signing.COSIGN), "its payload is of type"),
        (ann.sign_bytes(b"{}"), "its payload cannot be read"),
    ):
        put(tmp_path, "team/app", IMAGE.digest, bad)
        with pytest.raises(SignatureValidationFailed, match=words):
            await store.images.pull(name)
    store.assert_empty()
    put(tmp_path, "team/app", IMAGE.digest, eve.sign(IMAGE.digest, name), good)
    assert (await store.images.pull(name)).id == IMAGE.id


async def test_every_requirement_must_hold_and_any_key_of_one(store, tmp_path, registry, ann, eve):
    name = registry.push(IMAGE, "both:1")
    put(tmp_path, "both", IMAGE.digest, ann.sign(IMAGE.digest, name))
    write(tmp_path / "policy.json", signed_by(ann), signed_by(eve))
    with pytest.raises(SignatureValidationFailed, match="NO_PUBKEY"):
        await store.images.pull(name)
    files = [tmp_path / "eve.gpg", tmp_path / "ann.gpg"]
    for file, gpg in zip(files, (eve, ann), strict=True):
        file.write_bytes(gpg.public)
    paths = [str(file) for file in files]
    write(tmp_path / "policy.json", {"type": "signedBy", "keyType": "GPGKeys", "keyPaths": paths})
    assert (await store.images.pull(name)).id == IMAGE.id
    files[0].unlink()
    with pytest.raises(SignatureValidationFailed, match=r"eve\.gpg cannot be read"):
        await store.images.pull(name)


async def test_an_expired_key_signs_nothing(store, tmp_path, registry):
    with signing.Gpg(tmp_path / "old", expires="1d", when="20200101T000000") as old:
        name = registry.push(IMAGE, "old:1")
        put(tmp_path, "old", IMAGE.digest, old.sign(IMAGE.digest, name))
        write(tmp_path / "policy.json", signed_by(old))
        with pytest.raises(SignatureValidationFailed, match="EXPKEYSIG"):
            await store.images.pull(name)


async def test_a_signature_of_the_index_or_of_the_manifest_will_do(store, tmp_path, registry, ann):
    both = index({"linux/amd64": IMAGE, "linux/arm64": IMAGE})
    write(tmp_path / "policy.json", signed_by(ann))
    for number, digest in enumerate((both.digest, IMAGE.digest)):
        name = registry.push(both, f"many{number}:1")
        put(tmp_path, f"many{number}", digest, ann.sign(digest, name))
        assert (await store.images.pull(name)).id == IMAGE.id


async def test_cosign_signatures_in_the_registry(store, tmp_path, registry):
    key, other = signing.Cosign(), signing.Cosign("rsa")
    name = registry.push(IMAGE, "signed:1")
    repository = name.rpartition(":")[0]
    write(tmp_path / "policy.json", sigstore_signed(key))
    with pytest.raises(SignatureValidationFailed, match="no sigstore signature of it is accepted: there is none"):
        await store.images.pull(name)
    tag = f"signed:{signing.tag_of(IMAGE.digest)}"
    for bad, words in (
        (other.attachment(IMAGE.digest, repository), "made with another key"),
        (key.attachment(OTHER.digest, repository), "it is for the manifest"),
        (key.attachment(IMAGE.digest, f"{registry.host}/other"), "it is for the image"),
        (signing.attachment([(b"{}", key.signature(b"{}"))]), "its payload cannot be read"),
    ):
        registry.push(bad, tag)
        with pytest.raises(SignatureValidationFailed, match=words):
            await store.images.pull(name)
    store.assert_empty()
    registry.push(key.attachment(IMAGE.digest, repository), tag)
    assert (await store.images.pull(name)).id == IMAGE.id
    write(tmp_path / "policy.json", sigstore_signed(other, key))
    assert (await store.images.pull(name)).id == IMAGE.id
    # cosign signs the repository's name, without a tag: the default identity wants one.
    write(tmp_path / "policy.json", sigstore_signed(key, signedIdentity={"type": "matchExact"}))
    with pytest.raises(SignatureValidationFailed, match="it is for the image"):
        await store.images.pull(name)


async def test_a_namespaces_policy(store, tmp_path, registry):
    name = registry.push(IMAGE, "spaces:1")
    write(tmp_path / "policy.json", {"type": "insecureAcceptAnything"})
    (tmp_path / "namespaces").mkdir()
    write(tmp_path / "namespaces" / "strict.json", {"type": "reject"})
    assert (await store.images.pull(name, namespace="open")).id == IMAGE.id
    with pytest.raises(SignatureValidationFailed):
        await store.images.pull(name, namespace="strict")


async def test_the_policy_is_for_the_name_that_was_asked_for_wherever_it_comes_from(tmp_path, registry):
    registry.push(IMAGE, "moved/app:1")
    (tmp_path / "r.conf").write_text(f'[[registry]]\nprefix = "hub.test"\nlocation = "{registry.host}/moved"\n')
    write(tmp_path / "policy.json", {"type": "insecureAcceptAnything"}, **{"hub.test": [{"type": "reject"}]})
    options = {"policy": str(tmp_path / "policy.json"), "registries_conf": str(tmp_path / "r.conf")}
    async with image_store.opened(tmp_path / "store", **options) as store:
        with pytest.raises(SignatureValidationFailed, match=r"image hub\.test/app:1"):
            await store.images.pull("hub.test/app:1")
        assert (await store.images.pull(f"{registry.host}/moved/app:1")).id == IMAGE.id


async def test_signatures_by_http_and_a_server_that_fails(tmp_path, ann):
    async with FaultyRegistry() as registry:
        name = registry.add(IMAGE, "web/app:1")
        (tmp_path / "registries.d").mkdir()
        (tmp_path / "registries.d" / "a.yaml").write_text(f"default-docker: {{lookaside: 'http://{registry.host}/s'}}")
        write(tmp_path / "policy.json", signed_by(ann))
        options = {"policy": str(tmp_path / "policy.json"), "signature_places": str(tmp_path / "registries.d")}
        async with image_store.opened(tmp_path / "store", **options) as store:
            with pytest.raises(SignatureValidationFailed, match="there is none"):
                await store.images.pull(name)
            # Not knowing whether it is signed is another thing than knowing that it is not.
            registry.answer("signature-1", *[503] * 9)
            with pytest.raises(Unavailable, match="a signature"):
                await store.images.pull(name)
            registry.serve_blob("signature-1", ann.sign(IMAGE.digest, name))
            registry.answer("signature-1")
            assert (await store.images.pull(name)).id == IMAGE.id
