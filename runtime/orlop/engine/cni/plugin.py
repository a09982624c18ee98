"""Running plugins: find the binary, feed it, judge its end. What it is fed is in request.py, the order in chain.py."""

import os
from collections.abc import Mapping, Sequence

from orlop.aio.process import CommandError, CommandTimeout
from orlop.engine.cni.conflist import NetworkConfig
from orlop.engine.cni.execution import Call, Execute, run_binary
from orlop.engine.cni.failures import PluginError, PluginTimedOut
from orlop.engine.cni.request import Command, base_environment
from orlop.engine.cni.result import excerpt, parse_report


class Plugins:
    """The plugins of this node."""

    def __init__(
        self, directories: Sequence[str], environment: Mapping[str, str], execute: Execute = run_binary
    ) -> None:
        self.directories = tuple(directories)
        self._execute = execute
        self._environment = base_environment(environment, directories)

    def find(self, kind: str) -> str | None:
        """Path of a plugin's binary: the first in the order of the directories."""
        for directory in self.directories:
            path = f"{directory}/{kind}"
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        return None

    def missing(self, config: NetworkConfig) -> list[str]:
        """Types of a chain whose binaries are not there, IPAM plugins left out: only their callers know them."""
        return [plugin.type for plugin in config.plugins if self.find(plugin.type) is None]

    def not_found(self, kinds: Sequence[str], network: str) -> PluginError:
        """The error for missing binaries."""
        names, places = ", ".join(map(repr, kinds)), ", ".join(self.directories) or "no directory"
        what = f"plugin {names}, which is" if len(kinds) == 1 else f"plugins {names}, which are"
        message = f"network {network!r} needs the {what} not in {places}: install what is missing there"
        return PluginError(message, plugin=kinds[0], network=network)

    async def call(
        self,
        command: Command,
        kind: str,
        stdin: bytes,
        *,
        network: str,
        variables: Mapping[str, str],
        timeout: float,
        pod: str = "",
    ) -> bytes:
        """Run a plugin once and return what it printed. Raises PluginError or PluginTimedOut."""
        path = self.find(kind)
        if path is None:
            raise self.not_found([kind], network)
        what = f"network {network!r}: plugin {kind!r} failed {command}" + (f" for pod {pod}" if pod else "")
        environment = {**self._environment, **variables, "CNI_COMMAND": command.value}
        try:
            finished = await self._execute(
                Call(kind=kind, path=path, stdin=stdin, environment=environment, timeout=timeout)
            )
        except CommandTimeout as error:
            message = f"{what}: it did not end within {timeout:g} s and was killed"
            raise PluginTimedOut(message, plugin=kind, network=network) from error
        except (CommandError, OSError) as error:
            raise PluginError(f"{what}: {_reason(error)}", plugin=kind, network=network) from error
        if finished.returncode != 0:
            report = parse_report(finished.stdout, finished.stderr, finished.returncode)
            raise PluginError(f"{what}: {report}", plugin=kind, network=network, code=report.code)
        return finished.stdout


def _reason(error: CommandError | OSError) -> str:
    if isinstance(error, CommandError):
        return error.reason or excerpt(error.stderr) or str(error)
    return f"it cannot be started: {error.strerror}"
