"""The registry on loopback: the distribution's own server, pushed to and read back."""

import hashlib
import os
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.model.errors import FailedPrecondition, Unavailable
from orlop.verify.image import CONFIG_TYPE, MANIFEST_TYPE, Blob, BuiltImage
from orlop.verify.registry import LoopbackRegistry

needs_registry = pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is not installed")


def image() -> BuiltImage:
    """The smallest image that a registry takes."""
    config = Blob(
        CONFIG_TYPE, b'{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}'
    )
    manifest = f"""{{"schemaVersion": 2, "mediaType": "{MANIFEST_TYPE}", "layers": [],
      "config": {{"mediaType": "{CONFIG_TYPE}", "size": {len(config.data)}, "digest": "{config.digest}"}}}}"""
    return BuiltImage((config,), Blob(MANIFEST_TYPE, manifest.encode()))


@pytest.fixture
def registry() -> Iterator[LoopbackRegistry]:
    registry = LoopbackRegistry()
    try:
        yield registry.start()
    finally:
        registry.stop()


@needs_registry
def test_what_is_pushed_can_be_read(registry: LoopbackRegistry) -> None:
    built = image()
    reference = registry.push("some/where", "tag", built)
    assert reference == f"{registry.host}/some/where:tag"
    request = urllib.request.Request(
        f"http://{registry.host}/v2/some/where/manifests/tag", headers={"Accept": MANIFEST_TYPE}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.read() == built.manifest.data
    with urllib.request.urlopen(
        f"http://{registry.host}/v2/some/where/blobs/{built.blobs[0].digest}", timeout=5
    ) as answer:
        assert f"sha256:{hashlib.sha256(answer.read()).hexdigest()}" == built.blobs[0].digest


@needs_registry
def test_a_refused_push_is_told_with_the_registrys_words(registry: LoopbackRegistry) -> None:
    with pytest.raises(Unavailable, match=r"answered PUT /v2/a/manifests/t with [45]\d\d: .*errors"):
        registry.push("a", "t", BuiltImage((), Blob(MANIFEST_TYPE, b"{}")))


@needs_registry
def test_nothing_is_left_after_its_end(registry: LoopbackRegistry) -> None:
    directory, host = registry._directory, registry.host
    assert os.path.isdir(directory)
    registry.stop()
    registry.stop()
    assert not os.path.exists(directory)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(host.rpartition(":")[2]))) != 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://{host}/v2/", timeout=1)


def test_a_server_that_ends_at_once_is_told_with_its_words(tmp_path: Path) -> None:
    program = tmp_path / "registry"
    program.write_text("#!/bin/sh\necho the configuration is bad >&2; exit 3\n")
    program.chmod(0o755)
    registry = LoopbackRegistry(str(program))
    with pytest.raises(Unavailable, match="ended with status 3: the configuration is bad"):
        registry.start()
    registry.stop()


def test_no_server_is_told_with_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        FailedPrecondition, match=r"apt install docker-registry, give --registry-binary, or name an image"
    ):
        LoopbackRegistry()
