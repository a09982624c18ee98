#!/usr/bin/env python3
"""A shim that is broken in one way, its program's name: for faults that no real shim can be told to have.

As a shim's binary it is called with `start` and `delete` at the end, in the container's bundle. It has no more than the
standard library: it runs as a program of its own.
"""

import os
import signal
import socket
import struct
import sys

HEADER = struct.Struct(">IIBB")
RESPONSE = 2
MOST = 4 << 20


def answer(behaviour: str, connection: socket.socket) -> None:
    """What comes back for each request."""
    while len(head := connection.recv(HEADER.size, socket.MSG_WAITALL)) == HEADER.size:
        length, stream, _, _ = HEADER.unpack(head)
        connection.recv(length, socket.MSG_WAITALL)
        match behaviour:
            case "garbage":
                send(connection, stream, b"\xff" * 20)
            case "oversized":
                send(connection, stream, b"x" * (MOST + 1))
            case "wordy":  # Response{status: {code: 2, message: …}}
                text = b"\n\0\x1b[31mno" * 200_000
                status = b"\x08\x02\x12" + varint(len(text)) + text
                send(connection, stream, b"\x0a" + varint(len(status)) + status)
            case "http":
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            case _:
                return


def send(connection: socket.socket, stream: int, data: bytes) -> None:
    connection.sendall(HEADER.pack(len(data), stream, RESPONSE, 0) + data)


def varint(number: int) -> bytes:
    """As protobuf has it."""
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def start(behaviour: str, container_id: str) -> None:
    """Print an address, and leave somebody behind who serves it."""
    match behaviour:
        case "flood":
            while True:
                os.write(1, b"x" * 65536)
        case "nobody":
            print("unix:///nonexistent/shim.sock")
        case "words":
            print("a shim in the best of health")
        case _:
            name = f"@bad-shim-{container_id}"
            listener = socket.socket(socket.AF_UNIX)
            listener.bind("\0" + name[1:])
            listener.listen()
            print(f"unix://{name}", flush=True)
            if pid := os.fork():
                with open("bad.pid", "w") as file:
                    file.write(str(pid))
                return
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(nothing, fd)
            while True:
                connection, _ = listener.accept()
                with connection:
                    answer(behaviour, connection)


def delete() -> None:
    """End what start has left."""
    if os.path.exists("bad.pid"):
        with open("bad.pid") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        os.unlink("bad.pid")


if __name__ == "__main__":
    if sys.argv[-1] == "start":
        start(os.path.basename(sys.argv[0]), sys.argv[sys.argv.index("-id") + 1])
    else:
        delete()
