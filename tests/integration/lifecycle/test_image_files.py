"""The files that say where images come from and which are let in, through the daemon: all of them without a restart."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.images import ImageBuilder
from tests.harness.cri import refused
from tests.harness.node import Node
from tests.integration.lifecycle.conftest import ENDPOINT
from tests.parts.registry import Registry

IMAGE = ImageBuilder().layer({"a": b"1"}).build()


@pytest.mark.skipif(bool(ENDPOINT), reason="needs a daemon of its own")
def test_registries_policies_and_credentials_are_followed(
    new_node: Callable[..., Node], registry: Registry, tmp_path: Path
) -> None:
    policy, namespaces = tmp_path / "policy.json", tmp_path / "namespaces"
    namespaces.mkdir()
    settings = {"signature_policy": str(policy), "namespaced_auth_dir": str(namespaces)}
    private = Registry(tmp_path / "private", users={"ann": "s3cret"})
    with private, new_node(images=settings) as node:
        node.start()
        name = registry.push(IMAGE, "files:1")
        with refused("UNKNOWN", f"SignatureValidationFailed: image {name}: the signature policy {policy}"):
            node.cri("PullImage", image={"image": name})
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        assert node.cri("PullImage", image={"image": name}).image_ref == IMAGE.id

        conf = node.base / "registries.conf"
        conf.write_text(f'[[registry]]\nprefix = "hub.test"\nlocation = "{registry.host}"\n')
        assert node.cri("PullImage", image={"image": "hub.test/files:1"}).image_ref == IMAGE.id
        conf.write_text('[[registry]]\nlocation = "hub.test"\nblocked = true\n')
        with refused("FAILED_PRECONDITION", "registry hub.test is blocked by", str(conf)):
            node.cri("PullImage", image={"image": "hub.test/files:1"})

        theirs = private.push(IMAGE, "theirs:1")
        login = {"auths": {private.host: {"auth": base64.b64encode(b"ann:s3cret").decode()}}}
        (namespaces / "blue.json").write_text(json.dumps(login))
        pod = {"metadata": {"name": "web", "namespace": "blue", "uid": "1"}}
        assert node.cri("PullImage", image={"image": theirs}, sandbox_config=pod).image_ref == IMAGE.id
        pod["metadata"]["namespace"] = "red"
        with refused("UNAUTHENTICATED", private.host):
            node.cri("PullImage", image={"image": theirs}, sandbox_config=pod)
        assert "s3cret" not in node.log() and login["auths"][private.host]["auth"] not in node.log()
