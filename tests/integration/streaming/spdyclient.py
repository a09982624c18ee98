"""SPDY as a client hears it: the daemon's replies are skipped, its data is told."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from orlop.streaming.frames.spdy import Data, Decoder, Encoder

ERROR, STDIN, STDOUT = 1, 3, 5


class ClientDecoder:
    """Data frames out of the daemon's bytes."""

    def __init__(self) -> None:
        self._decoder = Decoder()

    def feed(self, data: bytes) -> Iterator[Data]:
        """The frames that carry data."""
        return (frame for frame in self._decoder.feed(data) if isinstance(frame, Data))


class Echo:
    """One exec session with a command that gives its input back."""

    def __init__(self, url: str, data: bytes) -> None:
        self.data = data
        self.came = b""
        """On stdout."""
        self.told = b""
        """On the error stream."""
        self._place = urlsplit(url)

    def run(self) -> None:
        """The whole session; blocks."""
        assert self._place.port
        with socket.create_connection((self._place.hostname or "", self._place.port), timeout=100) as connection:
            head = f"POST {self._place.path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            connection.sendall(f"{head}X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n".encode())
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(4096)
            encoder, decoder = Encoder(), ClientDecoder()
            for number, name in ((ERROR, "error"), (STDIN, "stdin"), (STDOUT, "stdout")):
                connection.sendall(encoder.syn_stream(number, {"streamType": name}))
            connection.sendall(encoder.data_head(STDIN, len(self.data), fin=True) + self.data)
            data = received.partition(b"\r\n\r\n")[2]
            while True:
                for frame in decoder.feed(data):
                    self.came += frame.data if frame.stream == STDOUT else b""
                    self.told += frame.data if frame.stream == ERROR else b""
                if not (data := connection.recv(1 << 16)):
                    return
