"""SPDY as a client hears it: the daemon's replies are skipped, its data is told."""

from collections.abc import Iterator

from orlop.streaming.frames.spdy import Data, Decoder, Frame


class ClientDecoder:
    """Data frames out of the daemon's bytes."""

    def __init__(self) -> None:
        self._decoder = Decoder()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that carry data."""
        return (frame for frame in self._decoder.feed(data) if isinstance(frame, Data))
