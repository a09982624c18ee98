"""What the service manager hears."""

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator

import pytest

from orlop.daemon.notify import Notifier


@pytest.fixture
def manager() -> Iterator[tuple[socket.socket, str]]:
    """A service manager's socket and its path."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        path = f"{directory}/notify"
        heard.bind(path)
        heard.settimeout(5)
        yield heard, path


def test_states_are_told(manager: tuple[socket.socket, str]) -> None:
    heard, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path})
    notifier.ready("serving")
    assert heard.recv(4096).decode().splitlines() == ["READY=1", "STATUS=serving", f"MAINPID={os.getpid()}"]
    notifier.reloading()
    assert heard.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    notifier.stopping()
    assert heard.recv(4096) == b"STOPPING=1"


def test_an_abstract_address_works() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0orlop-test-{os.getpid()}")
        Notifier({"NOTIFY_SOCKET": f"@orlop-test-{os.getpid()}"}).stopping()
        assert heard.recv(4096) == b"STOPPING=1"


async def test_signs_of_life(manager: tuple[socket.socket, str]) -> None:
    heard, path = manager
    notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())})
    living = asyncio.create_task(notifier.keep_alive())
    await asyncio.sleep(0.1)
    living.cancel()
    with pytest.raises(asyncio.CancelledError):
        await living
    assert heard.recv(4096) == heard.recv(4096) == b"WATCHDOG=1"


async def test_a_watchdog_of_another_process_is_not_ours() -> None:
    await Notifier({"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}).keep_alive()


def test_without_a_manager_and_with_one_that_has_gone(tmp_path: object) -> None:
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": f"{tmp_path}/gone"}).ready()


def test_the_address_is_not_handed_on(manager: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager[1])
    Notifier().stopping()
    assert manager[0].recv(4096) == b"STOPPING=1"
    assert "NOTIFY_SOCKET" not in os.environ
