"""Manifests, indexes and configurations as registries send them, and as nobody should."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images import media_types
from orlop.engine.images.manifest import Index, Manifest, parse_config, parse_manifest
from orlop.model.errors import InvalidArgument, OrlopError, Unsupported
from tests.fakes.images import ImageBuilder, index

IMAGE = ImageBuilder().layer({"a": b"1"}).layer({"b": b"2"}, compression="zstd").config(user="7").build()
DIGEST = "sha256:" + "0" * 64


def changed(**fields):
    return json.dumps(json.loads(IMAGE.manifest) | fields).encode()


def layer(**fields):
    return {"mediaType": media_types.OCI_LAYER, "digest": DIGEST, "size": 1} | fields


def test_manifest_and_index_are_told_apart():
    manifest = parse_manifest(IMAGE.manifest, "", "it")
    assert isinstance(manifest, Manifest)
    assert [each.digest for each in manifest.layers or ()] == [each.digest for each in IMAGE.layers]
    found = parse_manifest(index({"linux/amd64": IMAGE}).manifest, "", "it")
    assert isinstance(found, Index)
    assert str(found.manifests[0].platform) == "linux/amd64"


def test_the_content_type_helps_where_the_document_is_silent():
    data = json.dumps({"schemaVersion": 2, "config": layer(mediaType=""), "layers": None}).encode()
    assert isinstance(parse_manifest(data, media_types.DOCKER_MANIFEST + "; charset=utf-8", "it"), Manifest)
    assert isinstance(parse_manifest(data, "application/json", "it"), Manifest)
    assert isinstance(parse_manifest(b'{"schemaVersion": 2, "manifests": []}', "", "it"), Index)


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (b"<html>sorry</html>", InvalidArgument, "it cannot be read"),
        (b"[" * 5000, InvalidArgument, "it cannot be read"),
        (b"{}", InvalidArgument, "neither a manifest nor an index"),
        (changed(manifests=[]), InvalidArgument, "ambiguous"),
        (changed(config={"digest": DIGEST, "size": -1}), InvalidArgument, r"\$.size|\$.config.size"),
        (changed(config={"digest": DIGEST, "size": 9 << 20}), InvalidArgument, "configuration of 9437184 bytes"),
        (changed(config={"digest": "../../etc/passwd", "size": 1}), InvalidArgument, "not a digest"),
        (changed(layers=[layer(mediaType="text/plain")]), Unsupported, "unknown type text/plain"),
        (changed(layers=[layer(mediaType=media_types.OCI_LAYER + "+gzip+encrypted")]), Unsupported, "encrypted layer"),
        (changed(layers=[layer()] * 501), Unsupported, "501 layers"),
        (changed(layers=[layer(digest="sha256:../x")]), InvalidArgument, "not a digest"),
        (b'{"schemaVersion": 1, "fsLayers": []}', Unsupported, "schema 1"),
    ],
)
def test_what_is_refused_and_how(data, error, text):
    with pytest.raises(error, match=text):
        parse_manifest(data, "", "it")


def test_schema_1_is_known_by_its_content_type_too():
    with pytest.raises(Unsupported, match="push the image again"):
        parse_manifest(b"{}", media_types.DOCKER_SCHEMA_1[1], "it")


def manifest_of(image):
    manifest = parse_manifest(image.manifest, "", "it")
    assert isinstance(manifest, Manifest)
    return manifest


def test_the_configuration_for_containers():
    image = ImageBuilder().config(
        user="u:g", env=["A=1"], entrypoint=["/e"], cmd=None, working_dir="/w", volumes={"/v2": {}, "/v1": {}},
        stop_signal="SIGINT", labels={"k": "v"},
    ).build()  # fmt: skip
    config = parse_config(image.config, manifest_of(image), "it").for_containers()
    assert (config.user, config.env, config.entrypoint, config.cmd) == ("u:g", ("A=1",), ("/e",), ())
    assert (config.working_dir, config.volumes, config.stop_signal) == ("/w", ("/v1", "/v2"), "SIGINT")
    assert config.labels == {"k": "v"}


def test_as_many_diff_ids_as_layers():
    document = json.loads(IMAGE.config)
    document["rootfs"]["diff_ids"].pop()
    with pytest.raises(InvalidArgument, match=r"describes 1 layers \(rootfs.diff_ids\), its manifest 2"):
        parse_config(json.dumps(document).encode(), manifest_of(IMAGE), "it")
    document["rootfs"]["diff_ids"].append("nonsense")
    with pytest.raises(InvalidArgument, match=r"'nonsense' in rootfs.diff_ids"):
        parse_config(json.dumps(document).encode(), manifest_of(IMAGE), "it")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_domain_terms(data):
    with pytest.raises(OrlopError):
        parse_manifest(data, "", "it")
