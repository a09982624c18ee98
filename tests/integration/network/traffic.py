"""Traffic between network namespaces: TCP, UDP and ICMP, each with the addresses that the far end sees."""

import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator

from orlop.linux.namespaces import run_in_netns

LIMIT = 30.0
"""Seconds until an answer is given up."""
_IP_MTU_DISCOVER, _IP_PMTUDISC_DO = 10, 2


@contextlib.contextmanager
def connection(client: str, server: str, address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A TCP connection from one namespace to an address in another: both of its ends."""
    with contextlib.ExitStack() as undo:
        listener = undo.enter_context(run_in_netns(server, lambda: socket.create_server((address, 0))))
        listener.settimeout(LIMIT)
        near = undo.enter_context(
            run_in_netns(client, lambda: socket.create_connection(listener.getsockname(), timeout=LIMIT))
        )
        far = undo.enter_context(listener.accept()[0])
        far.settimeout(LIMIT)
        yield near, far


def says(near: socket.socket, far: socket.socket, text: bytes) -> bool:
    """Whether bytes go through, there and back."""
    near.sendall(text)
    far.sendall(_exactly(far, len(text)))
    return _exactly(near, len(text)) == text


def _exactly(end: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = end.recv(length - len(data))
        assert chunk, "the connection was closed"
        data += chunk
    return data


def tcp(client: str, server: str, address: str) -> str:
    """Talk by TCP; returns the client's address as the server sees it."""
    with connection(client, server, address) as (near, far):
        assert says(near, far, os.urandom(64 << 10))
        seen: str = far.getpeername()[0]
        return seen


def udp(client: str, server: str, address: str, size: int = 8) -> str:
    """Send a datagram that may not be cut, and its answer back; returns the client's address as the server sees it."""

    def create() -> socket.socket:
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end.settimeout(LIMIT)
        end.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DO)
        return end

    with run_in_netns(server, create) as far, run_in_netns(client, create) as near:
        far.bind((address, 0))
        near.sendto(os.urandom(size), far.getsockname())
        data, peer = far.recvfrom(65535)
        far.sendto(data, peer)
        assert near.recv(65535) == data
        seen: str = peer[0]
        return seen


def ping(client: str, address: str) -> bool:
    """Whether an echo request is answered (RFC 792)."""

    def create() -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

    number = os.getpid() & 0xFFFF
    packet = struct.pack("!BBHHH", 8, 0, 0, number, 1)
    packet = struct.pack("!BBHHH", 8, 0, _checksum(packet), number, 1)
    deadline = time.monotonic() + LIMIT
    with run_in_netns(client, create) as end:
        end.settimeout(LIMIT)
        end.sendto(packet, (address, 0))
        while time.monotonic() < deadline:
            answer, (peer, _) = end.recvfrom(2048)
            header = (answer[0] & 15) * 4
            kind, _, _, found, _ = struct.unpack("!BBHHH", answer[header : header + 8])
            if (kind, found, peer) == (0, number, address):
                return True
    return False


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
