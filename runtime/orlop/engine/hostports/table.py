"""The node's host ports: what pods serve, kept in memory and written into the kernel's firewall as a whole.

Each change writes everything anew in one transaction, so the table is always that of the pods that are known: what an
earlier daemon left for pods that are gone goes with the first change. Established connections are not touched by that.
Somebody who flushes the whole ruleset takes the ports away until the next change.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Sequence

from orlop.aio.process import CommandError, run
from orlop.aio.threads import offload
from orlop.engine.hostports import iptables, nft
from orlop.engine.hostports.mapping import HostPort, without_conflicts
from orlop.engine.hostports.routes import open_to_loopback
from orlop.linux.files import ensure_file, remove_file
from orlop.model.errors import FailedPrecondition, Unavailable

log = logging.getLogger(__name__)

_TIME_LIMIT = 60.0
_WAIT = "--wait=30"
"""Seconds that iptables waits for another program's lock."""


class HostPorts:
    """The host ports of this node."""

    def __init__(self, mark: str, *, on: bool) -> None:
        """`mark` is a volatile file that says that there may be rules; when not `on`, only they are removed."""
        self._mark = mark
        self.on = on
        self._pods: dict[str, tuple[HostPort, ...]] = {}
        self._written: tuple[HostPort, ...] | None = None
        self._lock = asyncio.Lock()

    async def start(self, pods: Sequence[tuple[str, tuple[HostPort, ...]]]) -> None:
        """Take over from an earlier daemon; the oldest pod comes first. Raises as `open` does."""
        self._pods = {pod_id: ports for pod_id, ports in pods if ports} if self.on else {}
        if self._pods or self._may_have_rules():
            await self._write()

    def _may_have_rules(self) -> bool:
        return os.path.exists(self._mark)

    async def open(self, pod_id: str, ports: tuple[HostPort, ...]) -> None:
        """Lead ports of the node to a pod. Raises Unavailable, and FailedPrecondition without a firewall program."""
        if self.on and ports:
            self._pods[pod_id] = ports
            await self._write()

    async def close(self, pod_id: str) -> None:
        """Take a pod's ports back; it may have none. Raises Unavailable: then call it again, or `settle`."""
        if self._pods.pop(pod_id, None) is not None:
            await self._write()

    async def settle(self) -> None:
        """Write again what could not be written; nothing happens where all is as it should be."""
        if self._written is None and (self._pods or self._may_have_rules()):
            await self._write()

    async def _write(self) -> None:
        async with self._lock:
            before, wanted = self._written, without_conflicts(list(self._pods.items()))
            if wanted == before:
                return  # somebody who waited with us has written it
            self._written = None
            await offload(ensure_file, self._mark)
            neighbours = await offload(open_to_loopback, {port.pod_ip for port in wanted})
            if shutil.which("nft"):
                await _run(["nft", "-f", "-"], nft.render(wanted, neighbours))
            elif shutil.which("iptables-restore"):
                await _write_iptables(wanted, neighbours)
            else:
                raise FailedPrecondition("host ports need nft or iptables, and neither is installed: install nftables")
            self._written = wanted
            await _forget_datagrams(set(before or ()) ^ set(wanted))
            if not wanted:
                await offload(remove_file, self._mark)


async def _write_iptables(ports: Sequence[HostPort], neighbours: Sequence[str]) -> None:
    for family, program in ((4, "iptables"), (6, "ip6tables")):
        own = [port for port in ports if port.family == family]
        await _run([f"{program}-restore", _WAIT, "--noflush"], iptables.render(own, family, neighbours))
        for table, chain, rule in iptables.JUMPS:
            words = [program, _WAIT, "-t", table]
            there = await run([*words, "-C", chain, *rule.split()], timeout=_TIME_LIMIT, check=False)
            if own and there.returncode != 0:
                await _run([*words, "-I", chain, *rule.split()])
            elif not own and there.returncode == 0:
                await _run([*words, "-D", chain, *rule.split()])
        if not own:
            for table, chain in iptables.CHAINS:
                await _run([program, _WAIT, "-t", table, "-X", chain])


async def _run(argv: Sequence[str], stdin: str = "") -> None:
    try:
        await run(argv, stdin=stdin.encode(), timeout=_TIME_LIMIT)
    except (CommandError, OSError) as error:
        raise Unavailable(f"host ports cannot be written: {error}") from error


async def _forget_datagrams(changed: set[HostPort]) -> None:
    """UDP has no end: a sender that goes on would be led to the old pod, or past the new one, as it was before."""
    for family, port in sorted({(port.family, port.host_port) for port in changed if port.protocol == "udp"}):
        if not shutil.which("conntrack"):
            log.warning("conntrack is not installed: senders to UDP host port %d may be led wrong for a while", port)
            continue
        argv = ["conntrack", "-D", "-f", f"ipv{family}", "-p", "udp", "--orig-port-dst", str(port)]
        try:
            await run(argv, timeout=_TIME_LIMIT, check=False)  # it fails where there was none
        except (CommandError, OSError) as error:
            log.warning("senders to UDP host port %d may be led wrong for a while: %s", port, error)
