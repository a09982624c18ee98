"""Blocking calls off the event loop: a bounded pool for short ones, a fresh thread for what changes the thread itself.

A cancelled caller stops waiting; the call itself runs to its end.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# File work waits for disks, not for CPUs; more threads than this only queue in the kernel.
POOL_SIZE = 16

_pool = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="orlop-offload")


async def offload(fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in the pool. It must leave its thread as it found it (no setns, unshare, chdir)."""
    call = partial(contextvars.copy_context().run, fn, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_pool, call)


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await what must not go on beside its undoing: a caller that is cancelled meanwhile waits for its end first."""
    working = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        if not working.cancelled():
            working.exception()  # there is nobody left to be told
        raise


async def in_own_thread(fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a fresh thread that ends before this returns, with whatever namespaces it joined."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    call = partial(contextvars.copy_context().run, fn, *args, **kwargs)

    def deliver(setter: Callable[[], None]) -> None:
        if not outcome.done():  # the caller may have been cancelled
            setter()

    def work() -> None:
        try:
            result = call()
            setter = partial(outcome.set_result, result)
        except BaseException as error:  # carried to the caller, whatever it is
            setter = partial(outcome.set_exception, error)
        try:
            loop.call_soon_threadsafe(deliver, setter)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    thread = threading.Thread(target=work, name=f"orlop-{getattr(fn, '__name__', 'thread')}", daemon=True)
    thread.start()
    try:
        return await outcome
    finally:
        if outcome.done() and not outcome.cancelled():
            thread.join()  # it has delivered; what is left of it is microseconds
