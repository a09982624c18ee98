"""Plugins that do as they are told, for the tests of this package."""

from pathlib import Path

import pytest

from orlop.engine.cni.plugin import Plugins
from tests.fakes.cni import FakePlugins


@pytest.fixture
def fake(tmp_path: Path) -> FakePlugins:
    return FakePlugins(tmp_path)


@pytest.fixture
def plugins(fake: FakePlugins) -> Plugins:
    return Plugins(["/nonexistent", str(fake.bin)], {"PATH": "/usr/bin:/bin"})
