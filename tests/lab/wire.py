"""The nodes' common network: a bridge in a network namespace of its own, with the registry and the files on it.

Nothing of it is in the machine's own network: nodes reach each other, the registry (images) and a web server (programs)
here, and nothing else. Their way to the distribution's packages is the node's own.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab import places
from tests.lab.places import API, BRIDGED, FILES, HOST, NETNS, REGISTRY, LabError, run

START_SECONDS = 60


def lay() -> None:
    """Make the namespace and the bridge."""
    run("ip", "netns", "add", NETNS)
    inside = ("ip", "-n", NETNS)
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "link", "add", "bridge", "type", "bridge")
    run(*inside, "addr", "add", f"{HOST}/24", "dev", "bridge")
    run(*inside, "link", "set", "bridge", "up")


def connect(number: int, leader: int) -> None:
    """Give a node, known by its first process, an interface wire0 on the bridge."""
    inside, end = ("ip", "-n", NETNS), f"node{number}"
    run(*inside, "link", "add", end, "type", "veth", "peer", "name", "wire0", "netns", str(leader))
    run(*inside, "link", "set", end, "master", "bridge", "up")
    within = ("nsenter", "-t", str(leader), "-n", "ip")
    run(*within, "addr", "add", f"{places.address(number)}/24", "dev", "wire0")
    run(*within, "link", "set", "wire0", "up")


def cut(leader: int) -> None:
    """Take a node's own way out, so that the wire is all it has: a network with a router that leads nowhere."""
    within = ("nsenter", "-t", str(leader), "-n", "ip")
    run(*within, "link", "set", "tap0", "down")
    # A node without any default route could not reach a Service's address itself.
    run(*within, "route", "replace", "default", "via", HOST)


def route(leaders: Sequence[int]) -> None:
    """Routes between the nodes' parts of the pods' addresses: each node has a bridge, and nobody else makes them."""
    for here, leader in enumerate(leaders, start=1):
        for there in set(range(1, len(leaders) + 1)) - {here}:
            way = (BRIDGED.format(there), "via", places.address(there))
            run("nsenter", "-t", str(leader), "-n", "ip", "route", "replace", *way)


def balance(planes: int) -> list[list[int]]:
    """Start the balancer before the API servers of the first nodes; returns its number and start time."""
    servers = [f"{places.address(number)}:6443" for number in range(1, planes + 1)]
    return [_start("balancer", [sys.executable, "-m", "tests.lab.balancer", API, *servers])]


def serve(bundle: Path) -> list[list[int]]:
    """Start registry and web server over a bundle; returns number and start time of each process."""
    config = places.home() / "registry.yml"
    config.write_text(
        "version: 0.1\nlog: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {bundle}/registry/data}}}}\nhttp: {{addr: '{REGISTRY}'}}\n"
    )
    web = [sys.executable, "-m", "http.server", "--bind", HOST, "--directory", str(bundle), FILES.rpartition(":")[2]]
    return [_start("registry", ["docker-registry", "serve", str(config)]), _start("files", web)]


def wait() -> None:
    """Until both answer."""
    for url in (f"http://{REGISTRY}/v2/", f"http://{FILES}/bundle.json"):
        _wait(url)


def stop(servers: list[list[int]]) -> None:
    """End the servers; those that have gone are fine."""
    for pid, born in servers:
        if _born(pid) == born:
            os.kill(pid, signal.SIGKILL)
            while _born(pid) == born:
                time.sleep(0.05)


def remove(servers: list[list[int]]) -> None:
    """End the servers and take namespace and bridge away; what is not there is fine."""
    stop(servers)
    if Path("/run/netns", NETNS).exists():
        run("ip", "netns", "del", NETNS)


def _start(name: str, argv: list[str]) -> list[int]:
    with open(places.home() / f"{name}.log", "ab") as log:
        argv = ["nsenter", f"--net=/run/netns/{NETNS}", "--", *argv]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    return [process.pid, _born(process.pid)]


def _born(pid: int) -> int:
    """Start time of a living process, 0 where there is none: a number alone may by now be someone else's."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return 0 if stat[0] == "Z" else int(stat[19])
    return 0


def _wait(url: str) -> None:
    ask = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5).read()"
    argv = ["nsenter", f"--net=/run/netns/{NETNS}", "--", sys.executable, "-c", ask, url]
    until = time.monotonic() + START_SECONDS
    while subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        if time.monotonic() > until:
            raise LabError(f"{url} does not answer; see the logs in {places.home()}")
        time.sleep(0.1)
