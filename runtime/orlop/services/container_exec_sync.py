"""ExecSync: a command inside a running container, its output and exit code. Probes come this way."""

from dataclasses import replace

from orlop.engine.oci.exec import ExecResult
from orlop.engine.state.table import ContainerEntry
from orlop.model.enums import ContainerState
from orlop.model.errors import FailedPrecondition, InvalidArgument
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import container_title
from orlop.services.steps import Steps

ANSWER_LIMIT = (16 << 20) - 64
"""Bytes of both streams in one answer. The kubelet's client takes messages of 16 MiB; 64 bytes are for what is around.

A stream of which more is kept (16 MiB of each) is cut here: an answer that is larger would be refused as a whole.
"""


async def exec_sync(deck: Deck, container_id: str, command: tuple[str, ...], timeout: int) -> ExecResult:
    """Run the command to its end. After so many seconds (0: never) it is killed with every descendant: TimedOut."""
    entry = deck.state.containers.find(container_id)
    record = entry.record
    steps = Steps(container_title(record.config.metadata, deck.pod_metadata(record.pod_id)))
    if not command:
        raise InvalidArgument(f"{steps.what}: cmd is empty: ExecSync needs a command")
    require_running(entry, steps.what)
    with told(steps):
        steps.enter(f"run {command[0]!r}")
        return fitted(await carrier_of(deck, record).exec_sync(record, command, max(0, timeout)))


def fitted(result: ExecResult, limit: int = ANSWER_LIMIT) -> ExecResult:
    """The result in `limit` bytes: each stream has half of them, and what the other one leaves."""
    stdout = min(len(result.stdout), max(limit // 2, limit - len(result.stderr)))
    stderr = min(len(result.stderr), limit - stdout)
    return replace(result, stdout=result.stdout[:stdout], stderr=result.stderr[:stderr])


def require_running(entry: ContainerEntry, title: str) -> None:
    """Raise FailedPrecondition, telling the state, unless the container runs."""
    if entry.status.state is not ContainerState.CONTAINER_RUNNING:
        raise FailedPrecondition(f"{title} is not running: it is {entry.status.state.name}")
