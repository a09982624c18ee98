"""Reads /etc/orlop/orlop.toml and the drop-ins beside it. What values mean together is in check.

Drop-ins are conf.d/*.toml in name order; a later file wins key by key, tables are merged, lists are replaced. Of each
value it is known which file it came from.
"""

import os
import tomllib
from typing import Any

import msgspec

from orlop.config import typing_rules
from orlop.config.check import check
from orlop.config.errors import ConfigError, Problem
from orlop.config.keys import join, leaves
from orlop.config.schema import Config

DEFAULT_PATH = "/etc/orlop/orlop.toml"
DROP_INS = "conf.d"
DEFAULT = "default"


class Loaded(msgspec.Struct, frozen=True):
    """A configuration and where it is from."""

    config: Config
    files: tuple[str, ...]
    """Those that were read, in order."""
    sources: dict[str, str]
    """File of each dotted key that a file sets."""

    def source(self, key: str) -> str:
        """The file that set a key, or "default". Of a table that several files add to, all of them."""
        inner = [file for name, file in self.sources.items() if name.startswith(f"{key}.")]
        found = dict.fromkeys(inner or [self.sources.get(key, DEFAULT)])
        return ", ".join(found)

    def values(self) -> list[tuple[str, Any, str]]:
        """Every key with its value and its source."""
        return [(key, value, self.source(key)) for key, value in leaves(self.config)]


def load(path: str | None = None) -> Loaded:
    """Read and check everything. Raises ConfigError with all problems found.

    Without a path the default file is read, which may be missing; a file that is named must be there.
    """
    tree: dict[str, Any] = {}
    sources: dict[str, str] = {}
    files = _files(path)
    for file in files:
        merge(tree, _read(file), sources, file)
    problems = typing_rules.problems(tree, Config)
    if not problems:
        config = msgspec.convert(tree, Config)
        problems = check(config)
    if problems:
        raise ConfigError(_located(problem, sources) for problem in problems)
    return Loaded(config, tuple(files), sources)


def merge(into: dict[str, Any], table: dict[str, Any], sources: dict[str, str], file: str, prefix: str = "") -> None:
    """Lay a file's table over the tree, and note the file for each value it sets."""
    for name, value in table.items():
        key = join(prefix, name)
        if isinstance(value, dict) and isinstance(into.get(name, {}), dict):
            sources.setdefault(key, file)
            merge(into.setdefault(name, {}), value, sources, file, key)
        else:
            into[name] = value
            sources[key] = file


def _files(path: str | None) -> list[str]:
    main = path or DEFAULT_PATH
    directory = os.path.join(os.path.dirname(main), DROP_INS)
    found = [main] if path is not None or os.path.exists(main) else []
    try:
        names = sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        names = []
    return found + [os.path.join(directory, name) for name in names if name.endswith(".toml")]


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, "rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise ConfigError([Problem("", f"cannot be read: {error.strerror}", file)]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Problem("", f"is not valid TOML: {error}", file)]) from error


def _located(problem: Problem, sources: dict[str, str]) -> Problem:
    """The problem with the file that set its key, or the nearest table above it."""
    key = problem.key
    while key and key not in sources:
        key = key.rpartition(".")[0]
    return Problem(problem.key, problem.text, sources.get(key, ""))
