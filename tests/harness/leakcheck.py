"""Fixtures: after each test the machine is as before it, and at the end as at the beginning; else the test fails.

A conftest imports both; they ask for nothing and apply to every test below it.
"""

from collections.abc import Iterator

import pytest

from tests.harness import cgroups, leaks, privacy
from tests.harness.foreign import FOREIGN


@pytest.fixture(scope="session", autouse=True)
def nothing_left_at_the_end() -> Iterator[None]:
    """The whole tier leaves the machine as it was."""
    before = set(cgroups.elsewhere())
    yield from _checked("the whole run")
    if not FOREIGN and not cgroups.another_daemon_lives():
        made = sorted(set(cgroups.elsewhere()) - before)
        assert not made, f"cgroups made outside of the run's own: {made}"


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test leaves the machine as it was."""
    # Fixtures of wider scope are made before this one: what they keep is part of both snapshots.
    yield from _checked(request.node.name)


def _checked(what: str) -> Iterator[None]:
    # What another runtime leaves is not ours to judge.
    if not privacy.entered() or FOREIGN:
        yield
        return
    before = leaks.take()
    yield
    lines = leaks.settle(before)
    if lines:
        pytest.fail(f"{what} changed the machine:\n" + "\n".join(lines), pytrace=False)
