"""Tokens: once, for a minute, for their own verb, and not without end."""

import pytest

from orlop.aio.duplex import Peer
from orlop.model.errors import ResourceExhausted
from orlop.services.streams import ForwardPlan
from orlop.streaming.tokens import LIFETIME, MAX_WAITING, Tokens


async def nothing(port: int, peer: Peer) -> None:
    """Forward nothing."""


PLAN = ForwardPlan(title="pod a/b", forward=nothing)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_token_works_once() -> None:
    tokens = Tokens()
    token = tokens.add(PLAN)
    assert tokens.take("portforward", token) is PLAN
    assert tokens.take("portforward", token) is None


def test_a_token_is_its_verbs() -> None:
    tokens = Tokens()
    token = tokens.add(PLAN)
    assert tokens.take("exec", token) is None
    assert tokens.take("portforward", token) is PLAN


def test_a_token_expires() -> None:
    clock = Clock()
    tokens = Tokens(clock)
    first = tokens.add(PLAN)
    clock.now = LIFETIME / 2
    second = tokens.add(PLAN)
    clock.now = LIFETIME
    assert tokens.take("portforward", first) is None
    assert tokens.take("portforward", second) is PLAN


def test_tokens_are_long_and_all_different() -> None:
    tokens = Tokens()
    made = {tokens.add(PLAN) for _ in range(100)}
    assert len(made) == 100
    assert all(len(token) == 32 for token in made)


def test_too_many_are_refused_until_the_old_expire() -> None:
    clock = Clock()
    tokens = Tokens(clock)
    for _ in range(MAX_WAITING):
        tokens.add(PLAN)
    with pytest.raises(ResourceExhausted, match="wait for their clients"):
        tokens.add(PLAN)
    clock.now = LIFETIME
    assert tokens.take("portforward", tokens.add(PLAN)) is PLAN
