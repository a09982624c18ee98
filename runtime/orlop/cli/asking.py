"""Commands that talk to a CRI socket: run one conversation, and tell failures as a person wants them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
import grpc.aio

from orlop.api.client import CriClient
from orlop.api.sockets import answers
from orlop.model.errors import OrlopError, Unavailable

T = TypeVar("T")


def ask(path: str, conversation: Callable[[CriClient], Awaitable[T]]) -> T:
    """What the conversation returns. Raises an OrlopError when nobody answers or a call fails."""

    async def talk() -> T:
        async with CriClient(path) as client:
            return await conversation(client)

    try:
        return asyncio.run(talk())
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE and not answers(path.removeprefix("unix://")):
            raise Unavailable(f"nobody answers at {path}: start the daemon ({error.details()})") from error
        raise OrlopError(f"{path}: {error.code().name}: {error.details()}") from error
