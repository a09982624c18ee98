"""ExecSync: a command inside a running container, its output and exit code. Probes come this way."""

from orlop.engine.oci.exec import ExecResult
from orlop.engine.state.table import ContainerEntry
from orlop.model.enums import ContainerState
from orlop.model.errors import FailedPrecondition, InvalidArgument
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import container_title
from orlop.services.steps import Steps


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
        return await carrier_of(deck, record).exec_sync(record, command, max(0, timeout))


def require_running(entry: ContainerEntry, title: str) -> None:
    """Raise FailedPrecondition, telling the state, unless the container runs."""
    if entry.status.state is not ContainerState.CONTAINER_RUNNING:
        raise FailedPrecondition(f"{title} is not running: it is {entry.status.state.name}")
