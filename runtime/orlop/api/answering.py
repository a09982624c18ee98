"""What happens around every RPC: the gate, the log context, the warning about slow ones, and errors made statuses.

It is one context manager and not a chain of gRPC interceptors: the same for one answer and for a stream of them, and
one call deep.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Never

import grpc

from orlop.aio import calls
from orlop.api.errors import Status, status_of
from orlop.api.gate import Gate
from orlop.api.wire import Method

log = logging.getLogger(__name__)

Answered = Callable[[str, str, float], None]
"""Is told each RPC's name, its outcome (ok, cancelled, or a gRPC status) and how many seconds it took."""


def nobody(rpc: str, outcome: str, seconds: float) -> None:
    """Nobody counts."""


SHOWN = 300
"""Characters of a name."""
SLOW_AFTER = 5.0
"""Seconds after which a request that is still being answered is told in the log."""
# These may take long by their nature: they wait for a registry, a command, or a grace period.
SLOW_AFTER_OF = {"PullImage": 120.0, "ExecSync": 60.0, "StopContainer": 60.0, "StopPodSandbox": 60.0}


@contextlib.asynccontextmanager
async def answering(method: Method, request: Any, context: Any, gate: Gate, answered: Answered) -> AsyncIterator[None]:
    """Around the work of one request."""
    call = calls.begin(method.name, subject(request))
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    # A stream is open for as long as its client listens.
    limit = SLOW_AFTER_OF.get(method.name, SLOW_AFTER)
    timer = None if method.streams else loop.call_later(limit, _warn, call, began)
    outcome = "ok"
    try:
        await gate.passed(method.name)
        yield
    except asyncio.CancelledError:
        outcome = "cancelled"
        await _cancelled(call, context, began)
    except Exception as error:  # whatever it is, this is where it is told
        status = status_of(error)
        outcome = status.code.name
        _log_failure(status)
        await context.abort(status.code, status.text)
    finally:
        if timer is not None:
            timer.cancel()
        seconds = time.monotonic() - began
        log.debug("%s in %.1f ms", outcome, seconds * 1000)
        answered(method.name, outcome, seconds)


async def _cancelled(call: calls.Call, context: Any, began: float) -> Never:
    """Pass on the caller's own cancellation; a cancellation from within the daemon must still be answered."""
    task = asyncio.current_task()
    if task is not None and task.cancelling() == 0:
        await context.abort(
            grpc.StatusCode.UNAVAILABLE, "the work was cancelled, for the daemon is stopping: ask again"
        )
    log.info("the caller gave up after %.1f s%s", time.monotonic() - began, _at(call))
    raise asyncio.CancelledError


def _warn(call: calls.Call, began: float) -> None:
    log.warning("still goes on after %.1f s%s", time.monotonic() - began, _at(call))


def _at(call: calls.Call) -> str:
    return f", at: {call.standing()}" if call.standing is not None else ""


def _log_failure(status: Status) -> None:
    # A missing object is an everyday answer: clients ask for what may be gone.
    level = logging.DEBUG if status.code is grpc.StatusCode.NOT_FOUND else logging.INFO
    if status.code is not grpc.StatusCode.INTERNAL:  # that one is in the log already, with its traceback
        log.log(level, "%s: %s", status.code.name, status.text)


def _shown(text: str) -> str:
    """A client's words as they may stand in each log line of its request: one line, and not endless."""
    text = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def subject(request: Any) -> str:
    """What a request is about: pod and container ids, the name of what is to be made, the image. Never credentials."""
    fields = request.DESCRIPTOR.fields_by_name
    parts: list[str] = []
    if "pod_sandbox_id" in fields:
        parts.append(f"pod={_shown(request.pod_sandbox_id[:12])}")
    if "container_id" in fields:
        parts.append(f"container={_shown(request.container_id[:12])}")
    if "config" in fields:
        metadata = request.config.metadata
        namespace, name = _shown(getattr(metadata, "namespace", "")), _shown(metadata.name)
        parts.append(f"name={namespace}/{name}" if namespace else f"name={name}")
    if "image" in fields:
        parts.append(f"image={_shown(request.image.image)}")
    return " ".join(parts)
