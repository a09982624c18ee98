"""What every test run starts with: namespaces and cgroups of its own, the CRI's stubs, an order of the tests.

As root the run leaves the machine's network and mounts before the first thread exists (tests.harness.privacy). Without
root the tests that need it are skipped, each saying so.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

import build_hook
from tests.harness import cgroups, privacy

# Before the conftest of a folder that was named to pytest, which is imported earlier than pytest_configure is called.
build_hook.make_stubs()

TIERS = ("lint", "unit", "nix", "parity", "lab", "integration", "conformance", "bench", "molecule")
"""In this order: what fails fast comes first."""

# A machine with much else to do is slow, and says nothing about the code.
settings.register_profile("orlop", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("orlop")


# A loaded machine makes everything slow, the drawing of examples too: no test fails for that.
settings.register_profile("loaded", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded")


def pytest_configure(config: pytest.Config) -> None:
    if os.geteuid() == 0 and not config.option.collectonly:
        privacy.enter()
        cgroups.enter()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    # Before the closing line, which is to be the last one.
    if privacy.entered():
        cgroups.leave()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_tier)
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("root") or _tier(item) >= TIERS.index("integration"):
                item.add_marker(pytest.mark.skip(reason="needs root"))


def _tier(item: pytest.Item) -> int:
    name = item.path.relative_to(item.config.rootpath / "tests").parts[0]
    return TIERS.index(name) if name in TIERS else len(TIERS)
