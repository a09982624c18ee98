"""The table of verbs and the list of what is not built, against the CRI."""

import inspect

from orlop.api import wire
from orlop.api.servicers.table import VERBS
from orlop.api.unbuilt import UNBUILT


def test_every_rpc_is_built_or_listed_as_not_built() -> None:
    assert wire.METHODS.keys() - VERBS.keys() == UNBUILT
    assert not VERBS.keys() & UNBUILT


def test_streams_are_async_generators_and_others_are_not() -> None:
    for name, verb in VERBS.items():
        assert inspect.isasyncgenfunction(verb) == wire.METHODS[name].streams, name


KEPT = {"ListPodSandbox", "ListContainers"}
"""They answer with encoded messages; of which kind is in test_kept.py."""


def test_verbs_take_and_give_their_own_messages() -> None:
    for name, verb in VERBS.items():
        hints = inspect.get_annotations(verb)
        assert hints["request"] is wire.METHODS[name].request, name
        given = bytes if name in KEPT else wire.METHODS[name].response
        assert hints["return"] is given or wire.METHODS[name].streams, name
