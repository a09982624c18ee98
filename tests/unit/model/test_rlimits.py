"""Resource limits as the configuration writes them."""

import pytest

from orlop.config.check import check
from orlop.config.schema import Config, Container
from orlop.model.rlimits import INFINITY, Rlimit, parse


def test_soft_and_hard() -> None:
    assert parse("nofile=1024:4096") == Rlimit(name="nofile", soft=1024, hard=4096)
    assert parse("core=0") == Rlimit(name="core", soft=0, hard=0)
    assert parse("memlock=5:-1") == Rlimit(name="memlock", soft=5, hard=INFINITY)


@pytest.mark.parametrize(
    "text", ["nofile", "files=1", "nofile=", "nofile=5:4", "nofile=x", "nofile=-2", "nofile=99999999999999999999"]
)
def test_others_are_named_by_the_configurations_check(text: str) -> None:
    problems = check(Config(container=Container(default_ulimits=(text,))))
    assert [problem.key for problem in problems] == ["container.default_ulimits"]
    assert text in problems[0].text
