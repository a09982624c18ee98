"""A real NRI plugin, which test.sh builds from tests/parts/nri: it answers by a script and notes what it hears."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.pods import eventually
from tests.parts.tools import tool


@dataclass
class Told:
    """One line of the plugin's output."""

    event: str
    line: dict[str, Any]

    @property
    def container(self) -> dict[str, Any]:
        """The container of the event, as protobuf's JSON."""
        return dict(self.line.get("container", {}))

    @property
    def pod(self) -> dict[str, Any]:
        """The pod of the event."""
        return dict(self.line.get("pod", {}))


@dataclass
class NriPlugin:
    """The plugin's process. Ends with `close`, or by itself when the daemon lets go of it."""

    socket: Path
    directory: Path
    name: str = "test"
    index: str = "10"
    script: Mapping[str, Any] = field(default_factory=dict)
    events: str = ""
    binary: str = "nri-plugin"

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        base = self.directory / f"{self.index}-{self.name}"
        self.out, self.log = base.with_suffix(".out"), base.with_suffix(".log")
        script = base.with_suffix(".script")
        script.write_text(json.dumps(self.script))
        argv = [tool(self.binary), "-socket", str(self.socket), "-name", self.name, "-idx", self.index]
        argv += ["-script", str(script), "-out", str(self.out), "-events", self.events]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment())

    def __enter__(self) -> "NriPlugin":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def joined(self) -> "NriPlugin":
        """Wait until it has been synchronized."""
        eventually(lambda: self.told("Synchronize") or self.process.poll() is not None, seconds=30)
        assert self.told("Synchronize"), f"the plugin did not join: {self.log.read_text()}"
        return self

    def told(self, *events: str) -> list[Told]:
        """What it was told so far; all, or these events alone."""
        return read(self.out, *events)

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def read(out: Path, *events: str) -> list[Told]:
    """What a plugin has written to a file; a line that is being written is not there yet."""
    text = out.read_text() if out.exists() else ""
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [Told(line["event"], line) for line in lines if not events or line["event"] in events]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}
