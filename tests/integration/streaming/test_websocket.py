"""WebSocket by aiohttp's client: exec in v5 and v4, port-forward as SPDY in messages; and URLs that hold once."""

import asyncio
import contextlib
import json
import urllib.parse
from collections.abc import AsyncIterator, Callable
from http.client import HTTPConnection
from typing import Any

import aiohttp
import pytest

from orlop.streaming.frames.spdy import Encoder
from tests.harness.cri import Cri
from tests.harness.pods import Container, Pod, eventually
from tests.integration.streaming.spdyclient import ClientDecoder
from tests.integration.streaming.test_port_forward import listening

V5, V4, TUNNEL = "v5.channel.k8s.io", "v4.channel.k8s.io", "SPDY/3.1+portforward.k8s.io"
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Collected(dict[int, bytes]):
    """Bytes by channel."""

    def take(self, message: bytes) -> None:
        self[message[0]] = self.get(message[0], b"") + message[1:]

    @property
    def status(self) -> Any:
        return json.loads(self[ERROR])


async def until_closed(socket: aiohttp.ClientWebSocketResponse) -> Collected:
    found = Collected()
    async with asyncio.timeout(60):
        async for message in socket:
            found.take(message.data)
    return found


def exec_url(cri: Cri, container: Container, *command: str, **choice: bool) -> str:
    chosen = choice or {"stdout": True, "stderr": True}
    return str(cri("Exec", container_id=container.id, cmd=command, **chosen).url)


@pytest.mark.parametrize("protocol", [V5, V4])
async def test_outputs_and_exit_code(
    cri: Cri, container: Container, http: aiohttp.ClientSession, protocol: str
) -> None:
    url = exec_url(cri, container, "sh", "-c", "echo out; echo err >&2; exit 9")
    async with http.ws_connect(url, protocols=[protocol]) as socket:
        assert socket.protocol == protocol
        found = await until_closed(socket)
    assert (found[STDOUT], found[STDERR]) == (b"out\n", b"err\n")
    assert found.status["reason"] == "NonZeroExitCode"
    assert found.status["details"]["causes"] == [{"reason": "ExitCode", "message": "9"}]


async def test_v5_closes_the_input(cri: Cri, container: Container, http: aiohttp.ClientSession) -> None:
    url = exec_url(cri, container, "cat", stdin=True, stdout=True)
    data = bytes(range(256)) * 40_000
    async with http.ws_connect(url, protocols=[V4, V5], max_msg_size=0) as socket:
        assert socket.protocol == V5

        async def send() -> None:
            for at in range(0, len(data), 30_000):
                await socket.send_bytes(bytes([STDIN]) + data[at : at + 30_000])
            await socket.send_bytes(bytes([CLOSE, STDIN]))

        found, _ = await asyncio.gather(until_closed(socket), send())
    assert found[STDOUT] == data
    assert found.status["status"] == "Success"


async def test_a_terminal_is_resized(cri: Cri, container: Container, http: aiohttp.ClientSession) -> None:
    url = exec_url(cri, container, "sh", stdin=True, stdout=True, tty=True)
    async with http.ws_connect(url, protocols=[V5]) as socket:
        await socket.send_bytes(bytes([RESIZE]) + b'{"Width":99,"Height":33}')
        await socket.send_bytes(bytes([STDIN]) + b"sleep 0.3; stty size; exit 0\n")
        found = await until_closed(socket)
    assert b"33 99" in found[STDOUT]


async def test_a_client_that_vanishes_leaves_no_process(
    cri: Cri, container: Container, http: aiohttp.ClientSession
) -> None:
    url = exec_url(cri, container, "sleep", "3333", stdin=True, stdout=True)
    socket = await http.ws_connect(url, protocols=[V5])
    await asyncio.to_thread(eventually, lambda: "3333" in container.sh("ps -o args"))
    with contextlib.suppress(TimeoutError):  # at last everything on the way is full
        while True:
            async with asyncio.timeout(0.5):
                await socket.send_bytes(bytes([STDIN]) + bytes(30_000))
    assert socket._response.connection is not None
    transport = socket._response.connection.transport
    assert transport is not None
    transport.abort()
    await asyncio.to_thread(eventually, lambda: "3333" not in container.sh("ps -o args"), seconds=8)
    await socket.close()


async def test_attach(cri: Cri, pod: Pod, http: aiohttp.ClientSession) -> None:
    container = pod.start("sh", "-c", "read -r line; echo got $line", stdin=True)
    url = cri("Attach", container_id=container.id, stdin=True, stdout=True).url
    async with http.ws_connect(url, protocols=[V4]) as socket:
        await socket.send_bytes(bytes([STDIN]) + b"word\n")
        found = await until_closed(socket)
    assert found[STDOUT] == b"got word\n"


async def test_port_forward_in_a_tunnel(cri: Cri, pod: Pod, http: aiohttp.ClientSession) -> None:
    with listening(pod, "127.0.0.1"):
        await _forward_in_a_tunnel(cri, pod, http)


async def _forward_in_a_tunnel(cri: Cri, pod: Pod, http: aiohttp.ClientSession) -> None:
    url = cri("PortForward", pod_sandbox_id=pod.id).url
    data = bytes(range(256)) * 8000
    async with http.ws_connect(url, protocols=[TUNNEL]) as socket:
        encoder, decoder = Encoder(), ClientDecoder()
        for number, kind in ((1, "error"), (3, "data")):
            headers = {"streamType": kind, "port": "8080", "requestID": "0"}
            await socket.send_bytes(encoder.syn_stream(number, headers))
        await socket.send_bytes(encoder.data_head(1, 0, fin=True))
        for at in range(0, len(data), 100_000):
            piece = data[at : at + 100_000]
            await socket.send_bytes(encoder.data_head(3, len(piece)) + piece)
        await socket.send_bytes(encoder.data_head(3, 0, fin=True))
        back, ended = b"", set[int]()
        async with asyncio.timeout(30):
            while ended != {1, 3}:
                message = await socket.receive_bytes()
                for frame in decoder.feed(message):
                    assert frame.stream == 3 or not frame.data
                    back += frame.data
                    ended |= {frame.stream} if frame.fin else set()
    assert back == data


Connect = Callable[[str], Any]


async def test_a_url_holds_once(cri: Cri, container: Container, http: aiohttp.ClientSession) -> None:
    url = exec_url(cri, container, "true")
    async with http.ws_connect(url, protocols=[V5]) as socket:
        await until_closed(socket)
    for wrong in (url, url[:-1] + "_", url.replace("/exec/", "/attach/")):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(wrong, protocols=[V5])
        assert caught.value.status == 404
    async with http.get(url) as answer:
        assert (answer.status, "used already" in await answer.text()) == (404, True)


async def test_a_request_without_an_upgrade(cri: Cri, container: Container, http: aiohttp.ClientSession) -> None:
    async with http.post(exec_url(cri, container, "true")) as answer:
        assert (answer.status, "upgrade" in await answer.text()) == (400, True)


async def test_protocols_that_nobody_knows(cri: Cri, container: Container, http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await http.ws_connect(exec_url(cri, container, "true"), protocols=["v9.channel.k8s.io"])
    assert caught.value.status == 403
    url = exec_url(cri, container, "true")
    assert await asyncio.to_thread(_ask_for_spdy, url, "v9.channel.k8s.io") == (403, "v9.channel.k8s.io")


def _ask_for_spdy(url: str, protocol: str) -> tuple[int, str]:
    """Status of the answer, and the last word of its text."""
    place = urllib.parse.urlsplit(url)
    with contextlib.closing(HTTPConnection(place.netloc, timeout=10)) as connection:
        headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": protocol}
        connection.request("POST", place.path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode().split()[-1]
