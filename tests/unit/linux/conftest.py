"""Tests that ask for `private_mounts` run in a thread of their own with a mount namespace of its own.

Whatever they mount is gone with the thread, also when they fail.
"""

import threading

import pytest

from orlop.linux import syscalls


@pytest.fixture(autouse=True)
def _no_subreaper() -> None:
    """A reaper of an earlier test has made this process adopt orphans; in these tests nobody would reap them."""
    syscalls.set_child_subreaper(False)


@pytest.fixture
def private_mounts() -> None:
    """Marker for pytest_pyfunc_call below."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if "private_mounts" not in pyfuncitem.fixturenames:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    errors: list[BaseException] = []

    def work() -> None:
        try:
            syscalls.unshare(syscalls.CLONE_NEWNS)
            syscalls.mount("none", "/", None, syscalls.MS_PRIVATE | 16384)  # MS_REC: nothing leaks to the outside
            pyfuncitem.obj(**arguments)
        except BaseException as error:  # raised again in pytest's thread
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return True
