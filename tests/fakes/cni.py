"""CNI plugins that do as they are told: for faults and orders of calls that real plugins give only by chance."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

RESULT = {
    "cniVersion": "1.0.0",
    "interfaces": [{"name": "eth0", "mac": "0a:00:00:00:00:01", "sandbox": "/run/netns/pod"}],
    "ips": [{"address": "10.1.0.5/24", "gateway": "10.1.0.1", "interface": 0}],
}

_SCRIPT = """#!/bin/sh
home={home} name={name}
cat > "$home/$name.$CNI_COMMAND.stdin"
echo "$CNI_COMMAND $name $CNI_CONTAINERID" >> "$home/order"
env > "$home/$name.$CNI_COMMAND.env"
if [ -f "$home/$name.$CNI_COMMAND" ]; then . "$home/$name.$CNI_COMMAND"; fi
"""


class FakePlugins:
    """A plugin directory and a configuration directory below one path."""

    def __init__(self, path: Path) -> None:
        self.bin = path / "bin"
        self.conf = path / "net.d"
        self.cache = path / "cache"
        self._home = path / "calls"
        for directory in (self.bin, self.conf, self._home):
            directory.mkdir()

    def install(self, *names: str) -> "FakePlugins":
        """Plugins whose ADD gives RESULT and whose other commands do nothing."""
        for name in names:
            script = self.bin / name
            script.write_text(_SCRIPT.format(home=shlex.quote(str(self._home)), name=name))
            script.chmod(0o755)
            self.prints(name, "ADD", json.dumps(RESULT))
        return self

    def uninstall(self, name: str) -> None:
        """Take the binary away."""
        (self.bin / name).unlink()

    def does(self, name: str, command: str, shell: str) -> None:
        """Run these shell lines at that command."""
        # Whole or not at all: a plugin may be starting at this moment.
        temporary = self._home / f".{name}.{command}"
        temporary.write_text(shell)
        temporary.rename(self._home / f"{name}.{command}")

    def prints(self, name: str, command: str, text: str) -> None:
        """Print this and succeed."""
        self.does(name, command, f"printf %s {shlex.quote(text)}\n")

    def fails(self, name: str, command: str, *, code: int = 11, msg: str = "try later", details: str = "") -> None:
        """Fail with the specification's error object."""
        text = json.dumps({"cniVersion": "1.0.0", "code": code, "msg": msg, "details": details})
        self.does(name, command, f"printf %s {shlex.quote(text)}; exit 1\n")

    def succeeds(self, name: str, command: str) -> None:
        """Do nothing at that command, successfully."""
        self.does(name, command, ":\n")

    def hangs(self, name: str, command: str) -> None:
        """Never end, and neither does a child of it."""
        self.does(name, command, f"sleep 1000 & echo $! > {shlex.quote(str(self._home))}/child; wait\n")

    def hung_child(self) -> int:
        """The child of the plugin that hangs."""
        return int((self._home / "child").read_text())

    def configure(self, file: str = "10-net.conflist", *plugins: object, name: str = "net", **more: object) -> Path:
        """Write a conflist; a plugin is its type or its whole object."""
        chain = [{"type": plugin} if isinstance(plugin, str) else plugin for plugin in plugins]
        content: dict[str, object] = {"cniVersion": "1.0.0", "name": name, "plugins": chain, **more}
        path = self.conf / file
        path.write_text(json.dumps(content))
        return path

    def order(self) -> list[str]:
        """All calls so far, as "COMMAND plugin"."""
        return [" ".join(line.split()[:2]) for line in self._calls()]

    def clear(self) -> None:
        """Forget the calls so far."""
        (self._home / "order").unlink(missing_ok=True)

    def _calls(self) -> list[str]:
        path = self._home / "order"
        return path.read_text().splitlines() if path.exists() else []

    def stdin(self, name: str, command: str) -> dict[str, Any]:
        """What the last call of that command was given."""
        content: dict[str, Any] = json.loads((self._home / f"{name}.{command}.stdin").read_text())
        return content

    def environment(self, name: str, command: str) -> dict[str, str]:
        """The variables of the last call of that command."""
        text = (self._home / f"{name}.{command}.env").read_text()
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def results(self) -> list[str]:
        """Names of the files in the result cache."""
        directory = self.cache / "results"
        return sorted(os.listdir(directory)) if directory.exists() else []
