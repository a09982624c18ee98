"""The order in which a network's plugins run (CNI specification, section 3). One plugin's run is in plugin.py."""

import asyncio
from collections.abc import Iterable

from orlop.engine.cni.conflist import CHECK_SINCE, NetworkConfig, PluginConfig
from orlop.engine.cni.failures import CODE_UNKNOWN_CONTAINER, PluginError
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.request import Command, Request, stdin_for, stdin_without_pod
from orlop.engine.cni.result import BadOutput, CniResult, parse_result

_LEAST_FOR_DEL = 5.0
"""Seconds for each plugin even when one before it has used up the chain's time: DEL must reach all of them."""


class Deadline:
    """One time limit for a whole chain."""

    def __init__(self, seconds: float) -> None:
        self._limit = seconds
        self._end = asyncio.get_running_loop().time() + seconds

    def left(self, least: float = 0.1) -> float:
        """Seconds that the next plugin gets."""
        rest = self._end - asyncio.get_running_loop().time()
        return max(rest, min(least, self._limit))


async def add(plugins: Plugins, config: NetworkConfig, request: Request, limit: float) -> CniResult:
    """ADD in order, each plugin with the result of the one before. Raises PluginError; undoing is the caller's."""
    deadline = Deadline(limit)
    result: CniResult | None = None
    for plugin in config.plugins:
        stdin = stdin_for(config, plugin, request, result.raw if result else None)
        output = await _call(plugins, Command.ADD, config, plugin, request, stdin, deadline.left())
        result = _result(output, config, plugin, request)
    if result is None or not result.pod_ips(request.ifname):
        message = f"network {config.name!r} gave pod {request.pod} no address on {request.ifname}"
        raise PluginError(message, plugin=config.plugins[-1].type, network=config.name)
    return result


def _result(output: bytes, config: NetworkConfig, plugin: PluginConfig, request: Request) -> CniResult:
    try:
        return parse_result(output)
    except BadOutput as error:
        message = f"network {config.name!r}: plugin {plugin.type!r} answered ADD for pod {request.pod} wrongly: {error}"
        raise PluginError(message, plugin=plugin.type, network=config.name) from error


async def delete(
    plugins: Plugins, config: NetworkConfig, request: Request, previous: bytes | None, limit: float
) -> list[PluginError]:
    """DEL in reverse order. Unlike libcni it goes on after a failure, so that one broken plugin leaks no addresses."""
    deadline = Deadline(limit)
    errors: list[PluginError] = []
    handed = previous if config.at_least(CHECK_SINCE) else None
    for plugin in reversed(config.plugins):
        stdin = stdin_for(config, plugin, request, handed)
        try:
            await _call(plugins, Command.DEL, config, plugin, request, stdin, deadline.left(_LEAST_FOR_DEL))
        except PluginError as error:
            if error.code != CODE_UNKNOWN_CONTAINER:  # by the specification: nothing is left to clean up
                errors.append(error)
    return errors


async def check(
    plugins: Plugins, config: NetworkConfig, request: Request, previous: bytes | None, limit: float
) -> None:
    """CHECK in order; ends with the first plugin that misses something."""
    deadline = Deadline(limit)
    for plugin in config.plugins:
        stdin = stdin_for(config, plugin, request, previous)
        await _call(plugins, Command.CHECK, config, plugin, request, stdin, deadline.left())


async def status(plugins: Plugins, config: NetworkConfig, limit: float) -> None:
    """STATUS in order; ends with the first plugin that cannot serve ADD."""
    deadline = Deadline(limit)
    for plugin in config.plugins:
        stdin = stdin_without_pod(config, plugin)
        await plugins.call(
            Command.STATUS, plugin.type, stdin, network=config.name, variables={}, timeout=deadline.left()
        )


async def gc(
    plugins: Plugins, config: NetworkConfig, valid: Iterable[tuple[str, str]], limit: float
) -> list[PluginError]:
    """GC for every plugin, also after a failure."""
    deadline = Deadline(limit)
    listed = sorted(set(valid))
    errors: list[PluginError] = []
    for plugin in config.plugins:
        stdin = stdin_without_pod(config, plugin, listed)
        try:
            await plugins.call(
                Command.GC, plugin.type, stdin, network=config.name, variables={}, timeout=deadline.left()
            )
        except PluginError as error:
            errors.append(error)
    return errors


async def _call(
    plugins: Plugins,
    command: Command,
    config: NetworkConfig,
    plugin: PluginConfig,
    request: Request,
    stdin: bytes,
    timeout: float,
) -> bytes:
    return await plugins.call(
        command,
        plugin.type,
        stdin,
        network=config.name,
        variables=request.environment(),
        timeout=timeout,
        pod=request.pod,
    )
