"""crictl as tests call it: a verb, its output; files for what it reads as JSON."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.node import Node


class Crictl:
    """The command, pointed at one daemon."""

    def __init__(self, binary: Path, node: Node, directory: Path) -> None:
        self.node = node
        self._directory = directory
        # An empty file: the machine's own /etc/crictl.yaml is not read.
        config = self.file("crictl.yaml", "")
        self._argv = [
            str(binary),
            "--config",
            config,
            "--runtime-endpoint",
            f"unix://{node.socket}",
            "--timeout",
            "30s",
        ]

    def __call__(self, *words: str) -> str:
        """Output of a command, which must succeed."""
        done = subprocess.run([*self._argv, *words], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"crictl {' '.join(words)} ended with {done.returncode}:\n{done.stderr}"
        return done.stdout.strip()

    def json(self, *words: str) -> Any:
        """The same, decoded."""
        return json.loads(self(*words))

    @contextmanager
    def going(self, *words: str) -> Iterator[Path]:
        """A command that goes on by itself until the block's end; yields the file that its output grows in."""
        path = self._directory / f"{words[0]}.out"
        with path.open("wb") as out:
            process = subprocess.Popen([*self._argv, *words], stdout=out, stderr=subprocess.DEVNULL)
            try:
                yield path
            finally:
                process.terminate()
                process.wait(10)

    def file(self, name: str, content: str | dict[str, Any]) -> str:
        """Write a file for crictl; returns its path."""
        path = self._directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)


def documents(text: str) -> list[Any]:
    """JSON documents that stand one after the other."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while (rest := text[at:].lstrip()) != "":
        document, length = decoder.raw_decode(rest)
        found.append(document)
        at = len(text) - len(rest) + length
    return found
