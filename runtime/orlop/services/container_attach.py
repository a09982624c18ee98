"""Attach: the streams of a running container's first process. It goes on when the client leaves."""

from orlop.aio.duplex import Client
from orlop.model.errors import InvalidArgument
from orlop.services.carriers.choice import carrier_of
from orlop.services.container_exec_sync import require_running
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import container_title
from orlop.services.steps import Steps
from orlop.services.streams import CommandPlan, StreamChoice, check_choice


async def attach_url(deck: Deck, container_id: str, choice: StreamChoice) -> str:
    """The URL at which the container can be seen. Output from before the client's coming is in the log alone."""
    entry = deck.state.containers.find(container_id)
    record = entry.record
    title = container_title(record.config.metadata, deck.pod_metadata(record.pod_id))
    check_choice(choice, title)
    if choice.tty != record.config.tty:
        has = "has a terminal" if record.config.tty else "has no terminal"
        raise InvalidArgument(f"{title}: tty is {str(choice.tty).lower()}, but the container {has}")
    require_running(entry, title)

    async def run(client: Client) -> int:
        steps = Steps(title)
        with told(steps):
            steps.enter("attach")
            require_running(deck.state.containers.get(record.id), title)
            await carrier_of(deck, record).attach(record, choice, client)
            return 0  # the container's own exit code is in its status

    return await deck.streams.admit(CommandPlan(verb="attach", title=title, choice=choice, run=run))
