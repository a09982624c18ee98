"""A fresh thread for a call that changes its thread (namespaces, working directory): it ends with it.

Blocks the caller; on the event loop use aio.threads.in_own_thread.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def call_in_own_thread(fn: Callable[[], T]) -> T:
    """Run `fn` in a fresh thread; its result or exception comes back when the thread has ended."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(fn())
        except BaseException as error:  # carried to the caller, whatever it is
            errors.append(error)

    thread = threading.Thread(target=work, name="orlop-own-thread", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
