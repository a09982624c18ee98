"""PortForward: connections to ports on the loopback inside a pod's network namespace, or the node's for pods in it."""

from orlop.aio.duplex import Peer
from orlop.engine.sandbox.ports import forward
from orlop.model.enums import PodSandboxState
from orlop.model.errors import FailedPrecondition, InvalidArgument
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import pod_title
from orlop.services.steps import Steps
from orlop.services.streams import ForwardPlan


async def port_forward_url(deck: Deck, pod_id: str, ports: tuple[int, ...]) -> str:
    """The URL at which the pod's ports can be reached. ports may be empty: clients name the port of each connection."""
    record = deck.state.pods.find(pod_id).record
    title = pod_title(record.config.metadata)
    for port in ports:
        if not 0 < port < 1 << 16:
            raise InvalidArgument(f"{title}: port {port} is not between 1 and 65535")
    _require_ready(deck, record.id, title)

    async def carry(port: int, peer: Peer) -> None:
        steps = Steps(title)
        with told(steps):
            steps.enter(f"forward port {port}")
            _require_ready(deck, record.id, title)
            await forward(record.namespaces.net, port, peer)

    return await deck.streams.admit(ForwardPlan(title=title, forward=carry))


def _require_ready(deck: Deck, pod_id: str, title: str) -> None:
    state = deck.state.pods.get(pod_id).status.state
    if state is not PodSandboxState.SANDBOX_READY:
        raise FailedPrecondition(f"{title} is not ready: it is {state.name}")
