"""What is wrong with a configuration, told so that it can be mended: file, key, problem. All of it at once."""

from collections.abc import Iterable

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One mistake."""

    key: str
    """Dotted, as in TOML; empty: the whole file."""
    text: str
    source: str = ""
    """File; empty where the value is a default."""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.key, self.text) if part)


class ConfigError(Exception):
    """The configuration cannot be used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
