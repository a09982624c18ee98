"""The command's table of contents: what there is, what is imported for it, and how errors look."""

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from orlop import __version__
from orlop.cli.lazy import LazyGroup, Place
from orlop.cli.main import PLACES, cli
from orlop.config.errors import ConfigError, Problem
from orlop.model.errors import NotFound

HEAVY = ("grpc", "google.protobuf", "aiohttp", "rich", "jinja2")


def run(*args: str) -> click.testing.Result:
    """Run the command."""
    return CliRunner().invoke(cli, args)


def test_help_lists_every_command_without_importing_any() -> None:
    code = (
        "import sys; from orlop.cli.main import cli; cli(['--help'], standalone_mode=False); "
        "print([name for name in sys.modules if name.startswith('orlop.cli.')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert all(f"\n  {name} " in found.stdout for name in PLACES)
    assert found.stdout.splitlines()[-1] == "['orlop.cli.lazy', 'orlop.cli.main']"


@pytest.mark.parametrize("args", [("version",), ("config", "default"), ("daemon", "status")])
def test_quick_commands_import_nothing_heavy(args: tuple[str, ...]) -> None:
    code = (
        "import sys; from orlop.cli.main import cli\n"
        f"try: cli({list(args)!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert found.stdout.splitlines()[-1] == "[]"


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[3] / "runtime"), "PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize("name", PLACES)
def test_every_command_is_where_the_table_says(name: str) -> None:
    module, _, attribute = PLACES[name].target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name


@pytest.mark.parametrize("name", PLACES)
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0, result.output
    assert f"Usage: cli {name}" in result.output


def test_an_unknown_command_is_named() -> None:
    result = run("nonsense")
    assert result.exit_code == 2
    assert "No such command 'nonsense'" in result.output


@pytest.mark.parametrize(
    ("error", "told"),
    [(NotFound("no such pod"), "no such pod"), (ConfigError([Problem("a.b", "is odd", "/f")]), "/f: a.b: is odd")],
)
def test_errors_of_the_domain_are_told_without_a_traceback(error: Exception, told: str) -> None:
    @click.group(cls=LazyGroup, places={})
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error

    result = CliRunner().invoke(group, ["fail"])
    assert (result.exit_code, result.output) == (1, f"Error: {told}\n")


def test_a_place_that_holds_no_command_is_a_bug() -> None:
    group = LazyGroup(name="x", places={"bad": Place("orlop.cli.main:PLACES", "")})
    with pytest.raises(AssertionError):
        CliRunner().invoke(group, ["bad"], catch_exceptions=False)


def test_version() -> None:
    assert run("version").output == f"orlop {__version__}\n"
    assert f'"version": "{__version__}"' in run("version", "--output", "json").output


@pytest.mark.parametrize(("shell", "sign"), [("bash", "complete -o"), ("zsh", "#compdef orlop"), ("fish", "complete ")])
def test_completion(shell: str, sign: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert sign in result.output and "_ORLOP_COMPLETE" in result.output
