"""Learning that the far end of a socket has gone while nobody reads from it.

Unread bytes hide the end of a stream from every reader; the kernel tells it all the same (EPOLLRDHUP, epoll_ctl(2)).
Where our receive buffer is full not even the end comes through, but the kernel of a far end that has gone answers any
byte with a reset: so now and then it is nudged.
"""

import asyncio
import select
from collections.abc import Callable

NUDGE = 2.0
"""Seconds between two nudges."""


class HangupWatch:
    """Calls back once when the far end has closed or shut down its side."""

    def __init__(self, fd: int, gone: Callable[[], None], nudge: Callable[[], None] = lambda: None) -> None:
        """`nudge` sends something that the far end need not answer: it may be unable to write."""
        self._gone = gone
        self._nudge = nudge
        self._loop = asyncio.get_running_loop()
        # An epoll of its own, which is readable itself: the loop's own may hold the socket for reading or not at all.
        self._epoll = select.epoll()
        self._epoll.register(fd, select.EPOLLRDHUP)  # HUP and ERR always come
        self._loop.add_reader(self._epoll.fileno(), self._tell)
        self._timer = self._loop.call_later(NUDGE, self._nudge_again)

    def close(self) -> None:
        """Watch no more. Again is fine."""
        if not self._epoll.closed:
            self._timer.cancel()
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _nudge_again(self) -> None:
        self._timer = self._loop.call_later(NUDGE, self._nudge_again)
        self._nudge()

    def _tell(self) -> None:
        self.close()
        self._gone()
