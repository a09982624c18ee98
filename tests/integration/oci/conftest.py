"""Containers for the tests of this folder, with each OCI runtime; all are removed afterwards."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from orlop.model.container import ContainerConfig
from orlop.model.image import ImageConfig
from tests.integration.oci.box import Box, Place, place


@pytest.fixture(params=["runc", "crun"])
def at(request: pytest.FixtureRequest) -> Iterator[Place]:
    with place(request.param) as made:
        yield made


@pytest.fixture
async def box(at: Place) -> AsyncIterator[Callable[..., Box]]:
    """Makes containers, not created yet."""
    made: list[Box] = []

    def make(wanted: ContainerConfig, *, image: ImageConfig | None = None) -> Box:
        made.append(at.box(wanted, image=image))
        return made[-1]

    yield make
    for one in made:
        await one.remove()
