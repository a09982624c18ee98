"""What Exec, Attach and PortForward agree on: a plan, checked when the RPC came and carried out when its client comes.

Free of HTTP: who admits plans and speaks with their clients is the streaming server.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from orlop.aio.duplex import Client, Peer
from orlop.model.errors import InvalidArgument, Unsupported


class StreamChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The streams that the request names."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


class CommandPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A command, or a container's first process, that a client is to see."""

    verb: str
    """exec or attach; part of the URL."""
    title: str
    """What it is about, for the log and for errors."""
    choice: StreamChoice
    run: Callable[[Client], Awaitable[int]]
    """Serve the client to the end; the exit code. Raises OrlopError. Cancelled when the client has gone."""


class ForwardPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A pod whose ports a client may reach."""

    title: str
    forward: Callable[[int, Peer], Awaitable[None]]
    """Carry one connection to this port until both directions have ended. Raises OrlopError."""
    verb: str = "portforward"


Plan = CommandPlan | ForwardPlan


class StreamServer(Protocol):
    """Who serves plans to clients."""

    async def admit(self, plan: Plan) -> str:
        """A URL at which the plan may be had once, for a minute."""

    async def close(self) -> None:
        """End every session and stop listening."""


class NoStreams:
    """Before the daemon has put a server in its place."""

    async def admit(self, plan: Plan) -> str:
        """Refuse."""
        raise Unsupported(f"{plan.title}: there is no streaming server")

    async def close(self) -> None:
        """Nothing to end."""


def check_choice(choice: StreamChoice, title: str) -> None:
    """The CRI's rules: at least one stream, and a terminal has no stderr of its own. Raises InvalidArgument."""
    if choice.tty and choice.stderr:
        raise InvalidArgument(f"{title}: stderr cannot be asked for with tty: a terminal has one output")
    if not (choice.stdin or choice.stdout or choice.stderr):
        raise InvalidArgument(f"{title}: none of stdin, stdout and stderr is asked for")
