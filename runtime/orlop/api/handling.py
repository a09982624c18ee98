"""gRPC method handlers made of verbs: one per RPC of the CRI, built or not."""

import contextlib
import inspect
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc

from orlop import __version__
from orlop.api import wire
from orlop.api.answering import Answered, answering, nobody
from orlop.api.chunks import fitting
from orlop.api.gate import Gate
from orlop.api.wire import Method
from orlop.model.errors import Unsupported


def generic_handlers(
    verbs: Mapping[str, Any], deck: object, gate: Gate, answered: Answered = nobody
) -> list[grpc.GenericRpcHandler]:
    """Handlers of both services. RPCs that have no verb answer UNIMPLEMENTED with their name."""
    unknown = verbs.keys() - wire.METHODS.keys()
    if unknown:
        raise ValueError(f"no such RPC in the CRI: {', '.join(sorted(unknown))}")
    services: dict[str, dict[str, grpc.RpcMethodHandler]] = {}
    for name, method in wire.METHODS.items():
        services.setdefault(method.service, {})[name] = _handler(method, verbs.get(name), deck, gate, answered)
    return [grpc.method_handlers_generic_handler(service, handlers) for service, handlers in services.items()]


def _handler(method: Method, verb: Any, deck: object, gate: Gate, answered: Answered) -> grpc.RpcMethodHandler:
    if verb is None:
        verb = _unbuilt(method)
    if method.streams:
        behaviour: Any = _stream(method, verb, deck, gate, answered)
        make = grpc.unary_stream_rpc_method_handler
    else:
        behaviour = _unary(method, verb, deck, gate, answered)
        make = grpc.unary_unary_rpc_method_handler
    return make(behaviour, request_deserializer=wire.parser(method.request), response_serializer=wire.serialize)


def _unary(method: Method, verb: Any, deck: object, gate: Gate, answered: Answered) -> Any:
    if inspect.iscoroutinefunction(verb):

        async def answer(request: Any, context: Any) -> Any:
            async with answering(method, request, context, gate, answered):
                return fitting(method, await verb(deck, request))

        return answer

    async def answer_at_once(request: Any, context: Any) -> Any:
        async with answering(method, request, context, gate, answered):
            return fitting(method, verb(deck, request))

    return answer_at_once


def _stream(method: Method, verb: Any, deck: object, gate: Gate, answered: Answered) -> Any:
    async def answer(request: Any, context: Any) -> AsyncIterator[Any]:
        # Closed at once, not when it is collected: a client that has gone must leave nothing behind.
        async with (
            answering(method, request, context, gate, answered),
            contextlib.aclosing(verb(deck, request)) as messages,
        ):
            async for message in messages:
                yield message

    return answer


def _unbuilt(method: Method) -> Any:
    def refuse(deck: object, request: Any) -> Any:
        raise Unsupported(f"{method.name} is not built in orlop {__version__}")

    return refuse
