"""The RPCs whose answer is the URL of a stream: request to model, verb, model to response. No logic."""

from orlop.api.v1 import exec_pb2
from orlop.services import container_attach, container_exec, sandbox_port_forward
from orlop.services.deck import Deck
from orlop.services.streams import StreamChoice


async def exec_url(deck: Deck, request: exec_pb2.ExecRequest) -> exec_pb2.ExecResponse:
    """Exec."""
    url = await container_exec.exec_url(deck, request.container_id, tuple(request.cmd), _choice(request))
    return exec_pb2.ExecResponse(url=url)


async def attach_url(deck: Deck, request: exec_pb2.AttachRequest) -> exec_pb2.AttachResponse:
    """Attach."""
    return exec_pb2.AttachResponse(url=await container_attach.attach_url(deck, request.container_id, _choice(request)))


async def port_forward_url(deck: Deck, request: exec_pb2.PortForwardRequest) -> exec_pb2.PortForwardResponse:
    """PortForward."""
    url = await sandbox_port_forward.port_forward_url(deck, request.pod_sandbox_id, tuple(request.port))
    return exec_pb2.PortForwardResponse(url=url)


def _choice(request: exec_pb2.ExecRequest | exec_pb2.AttachRequest) -> StreamChoice:
    return StreamChoice(stdin=request.stdin, stdout=request.stdout, stderr=request.stderr, tty=request.tty)
