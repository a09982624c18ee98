"""Streams over TLS: crictl that trusts our authority, a certificate that is renewed, clients that must bring one."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.harness.cri import refused
from tests.harness.node import Node
from tests.harness.pods import Container, Pods
from tests.integration.streaming.clients import Crictl
from tests.parts.tools import tool


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)


class Authority:
    """Makes certificates for 127.0.0.1."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.cert, self._key = directory / "ca.pem", directory / "ca.key"
        _openssl(
            *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority".split(),
            *("-keyout", str(self._key), "-out", str(self.cert)),
        )

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key."""
        cert, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        _openssl(
            *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(),
            *("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-addext", "basicConstraints=CA:FALSE"),
            *("-CA", str(self.cert), "-CAkey", str(self._key), "-keyout", str(key), "-out", str(cert)),
        )
        return cert, key


@contextmanager
def _pods(node: Node, image: str) -> Iterator[Pods]:
    """Pods of a node that is started for them."""
    tool("crictl")  # skips where it is not built
    node.start()
    node.cri("PullImage", image={"image": image})
    pods = Pods(node.cri, image, node.logs)
    try:
        yield pods
    finally:
        pods.remove_all()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _url(container: Container) -> str:
    return str(container.cri("Exec", container_id=container.id, cmd=["true"], stdout=True).url)


def _peer(url: str, *words: str) -> str:
    """What openssl's client says of the server."""
    place = urlsplit(url)
    argv = ["openssl", "s_client", "-connect", f"{place.hostname}:{place.port}", *words]
    return subprocess.run(argv, input=b"", capture_output=True, check=False, timeout=60).stdout.decode(errors="replace")


def test_crictl_and_a_certificate_that_is_renewed(
    new_node: Callable[..., Node], image: str, authority: Authority, tmp_path: Path
) -> None:
    cert, key = authority.issue("first")
    tls = {"cert_file": str(cert), "key_file": str(key), "min_version": "1.3"}
    with new_node(streaming={"tls": tls}) as node, _pods(node, image) as pods:
        container = pods.run().start()
        url = _url(container)
        assert url.startswith("https://127.0.0.1:")
        assert "CN = first" in _peer(url)
        assert "Cipher is (NONE)" in _peer(url, "-tls1_2")
        with Crictl(node.cri.socket, tmp_path) as crictl:
            mine, my_key = authority.issue("client")  # nobody asks for it, but crictl insists
            trusting = ("exec", "--tls-ca", str(authority.cert), "--tls-cert", str(mine), "--tls-key", str(my_key))
            for transport in ("spdy", "websocket"):
                done = crictl.run(
                    *trusting, "-i", "-r", transport, container.id, "sh", "-c", "cat; exit 3", stdin=b"hello"
                )
                assert done.stdout == b"hello", done.stderr
                assert b"exit code 3" in done.stderr
            others = Authority(tmp_path / "others").cert
            done = crictl.run(*trusting, "--tls-ca", str(others), "-r", "spdy", container.id, "true")
            assert b"certificate" in done.stderr
            running = crictl.start(*trusting, "-i", "-r", "spdy", container.id, "cat")
            assert running.stdin
            assert running.stdout
            running.stdin.write(b"before\n")
            running.stdin.flush()
            assert running.stdout.readline() == b"before\n"
            for path, new in zip((cert, key), authority.issue("second"), strict=True):
                new.replace(path)
            assert urlsplit(_url(container)).port == urlsplit(url).port
            assert "CN = second" in _peer(url)
            running.stdin.write(b"after\n")
            running.stdin.flush()
            assert running.stdout.readline() == b"after\n"
            running.stdin.close()
            assert running.wait(60) == 0
            cert.write_text("no certificate")
            assert "CN = second" in _peer(_url(container))
            assert str(cert) in node.log()
            assert crictl.run(*trusting, "-r", "spdy", container.id, "true").returncode == 0
        assert node.log().count("Traceback") == 0


def test_clients_that_must_bring_a_certificate(
    new_node: Callable[..., Node], image: str, authority: Authority, tmp_path: Path
) -> None:
    cert, key = tmp_path / "later.pem", tmp_path / "later.key"
    tls = {"cert_file": str(cert), "key_file": str(key), "client_ca_file": str(authority.cert)}
    with new_node(streaming={"tls": tls}) as node, _pods(node, image) as pods:
        container = pods.run().start()
        with refused("UNAVAILABLE", "streaming.tls.cert_file", str(cert)):
            _url(container)
        authority.issue("later")
        mine, my_key = authority.issue("client")
        with Crictl(node.cri.socket, tmp_path) as crictl:
            trusting = ("exec", "-r", "spdy", "--tls-ca", str(authority.cert))
            brought = ("--tls-cert", str(mine), "--tls-key", str(my_key))
            done = crictl.run(*trusting, *brought, container.id, "echo", "in")
            assert (done.stdout, done.returncode) == (b"in\n", 0), done.stderr
            other = Authority(tmp_path / "other").issue("stranger")
            stranger = ("--tls-cert", str(other[0]), "--tls-key", str(other[1]))
            assert crictl.run(*trusting, *stranger, container.id, "true").returncode != 0
