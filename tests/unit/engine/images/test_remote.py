"""Registries are reached through a client that is loaded when the first pull needs it, and not before."""

import subprocess
import sys

from orlop.engine.images.credentials import Credentials
from orlop.engine.images.hosts import Hosts, RegistryHost
from orlop.engine.images.reference import parse
from orlop.engine.images.registries.rules import Endpoint
from orlop.engine.images.remote import Remote


def test_the_daemon_starts_without_an_http_client() -> None:
    late = ("aiohttp", "cryptography", "yaml", "orlop.engine.images.pulling", "orlop.engine.images.registries.document")
    program = f"import sys, orlop.daemon.running; sys.exit(' '.join({{*{late}}} & sys.modules.keys()) or 0)"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})


async def test_one_client_serves_all_repositories() -> None:
    remote = Remote(Hosts({"a.example": RegistryHost(plain_http=True)}, True))
    one = await remote.repository(Endpoint(parse("a.example/x:1")), Credentials())
    two = await remote.repository(Endpoint(parse("a.example/y:1")), Credentials())
    assert one is not two
    assert one._transport is two._transport
    await remote.aclose()


async def test_closing_without_a_pull_is_fine() -> None:
    await Remote(Hosts({}, True)).aclose()
