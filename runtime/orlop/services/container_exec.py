"""Exec: a command inside a running container with a client at its streams. Without a client it is ExecSync."""

from orlop.aio.duplex import Client
from orlop.model.errors import InvalidArgument
from orlop.services.carriers.choice import carrier_of
from orlop.services.container_exec_sync import require_running
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import container_title
from orlop.services.steps import Steps
from orlop.services.streams import CommandPlan, StreamChoice, check_choice


async def exec_url(deck: Deck, container_id: str, command: tuple[str, ...], choice: StreamChoice) -> str:
    """The URL at which the command can be had. It starts when its client comes, and does not outlive it."""
    entry = deck.state.containers.find(container_id)
    record = entry.record
    title = container_title(record.config.metadata, deck.pod_metadata(record.pod_id))
    if not command:
        raise InvalidArgument(f"{title}: cmd is empty: Exec needs a command")
    check_choice(choice, title)
    require_running(entry, title)

    async def run(client: Client) -> int:
        steps = Steps(title)
        with told(steps):
            steps.enter(f"run {command[0]!r}")
            # Asked again: a minute may have passed.
            require_running(deck.state.containers.get(record.id), title)
            return await carrier_of(deck, record).exec(record, command, choice, client)

    return await deck.streams.admit(CommandPlan(verb="exec", title=title, choice=choice, run=run))
