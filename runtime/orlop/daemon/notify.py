"""Tells the service manager how the daemon is (sd_notify(3)): datagrams to the socket that it names."""

import asyncio
import os
import socket
import time


class Notifier:
    """Sends to $NOTIFY_SOCKET; without one it does nothing."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        self._address = given.get("NOTIFY_SOCKET", "")
        # The variable is ours alone: a program that we start must not speak in the daemon's name.
        if environment is None:
            os.environ.pop("NOTIFY_SOCKET", None)
        self.watchdog = int(given.get("WATCHDOG_USEC", "0")) / 1e6 if _is_for_us(given) else 0.0
        """Seconds within which the manager wants a sign of life; 0: none."""

    def ready(self, status: str = "") -> None:
        """The daemon serves."""
        self._send("READY=1", f"STATUS={status}", f"MAINPID={os.getpid()}")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The daemon is about to end."""
        self._send("STOPPING=1")

    async def keep_alive(self) -> None:
        """Give signs of life as long as the event loop turns. Returns at once where none are wanted."""
        while self.watchdog:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 2)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # An address in the abstract namespace is written with a leading @.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                sender.sendto("\n".join(lines).encode(), address)
            except OSError:
                pass  # a manager that has gone away must not take the daemon with it


def _is_for_us(given: "os._Environ[str] | dict[str, str]") -> bool:
    return given.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
