"""Pods of every handler must not notice that the default changes. Run on a node, by the daemon's own Python.

handlers.py begin …    make a pod with each handler, and one that names none; they are left running
handlers.py end …      they are what they were and answer, a new pod has the new default, and all can be taken away
handlers.py reach …    from each of them a pod at each --address is asked, and answers

Prints what it saw; the status is 1 when something is wrong.
"""

import argparse
import asyncio
import itertools
import json
import sys
from pathlib import Path

from orlop.api.client import CriClient
from orlop.api.v1 import container_pb2, exec_pb2, pod_pb2
from orlop.verify import image
from orlop.verify.pod import PORT, VerificationPod
from orlop.verify.registry import LoopbackRegistry

STATE = Path("/root/handlers.json")
LOGS = Path("/root/handlers-logs")
NONE_NAMED = ""

Facts = dict[str, str]
"""Of one pod: ids, address, when its container was started, and the binary that runs it."""


def main() -> None:
    """Begin or end."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("verb", choices=["begin", "end", "reach"])
    asked.add_argument("handlers", nargs="+")
    for option in ("--default", "--registry-binary", "--busybox", "--socket"):
        asked.add_argument(option, required=True)
    asked.add_argument("--address", action="append", default=[])
    options = asked.parse_args()
    LOGS.mkdir(exist_ok=True)
    if options.verb == "begin":
        STATE.write_text(json.dumps(asyncio.run(begin(options))))
    elif options.verb == "end":
        asyncio.run(end(options, json.loads(STATE.read_text())))
    else:
        asyncio.run(reach(options, json.loads(STATE.read_text())))


async def begin(options: argparse.Namespace) -> dict[str, Facts]:
    """A pod of each handler and one of the default, by handler."""
    async with CriClient(options.socket) as client:
        facts = {}
        for handler in (NONE_NAMED, *options.handlers):
            facts[handler] = await make(client, options, handler)
        show(facts)
    told("the default", facts[NONE_NAMED]["binary"], options.default)
    for handler in options.handlers:
        told(handler, facts[handler]["binary"], handler.removeprefix("shim-"))
    return facts


async def end(options: argparse.Namespace, before: dict[str, Facts]) -> None:
    """The same pods are there; a new one has the new default; none resists its end."""
    async with CriClient(options.socket) as client:
        for handler, facts in before.items():
            now = await look(client, facts["pod"], facts["container"])
            if now != facts:
                sys.exit(f"the pod of {handler or 'the default'} was touched: it was {facts}, and is {now}")
            await execute(client, facts["container"])
        show(before)
        new = await make(client, options, NONE_NAMED)
        told("the new default", new["binary"], options.default)
        for facts in (*before.values(), new):
            await remove(client, facts)
        left = [*(await client.call("ListPodSandbox")).items, *(await client.call("ListContainers")).containers]
        if left:
            sys.exit(f"this could not be taken away: {left}")
    print("all pods are gone")


async def reach(options: argparse.Namespace, pods: dict[str, Facts]) -> None:
    """Every pod here gets the page of every pod there."""
    async with CriClient(options.socket) as client:
        for (handler, facts), address in itertools.product(pods.items(), options.address):
            # Not wget: Debian's static one crashes in a pod.
            ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 30 {address} {PORT}"
            command = ["/bin/busybox", "sh", "-c", ask]
            request = exec_pb2.ExecSyncRequest(container_id=facts["container"], cmd=command, timeout=60)
            answer = await client.call("ExecSync", request, timeout=90)
            page = answer.stdout.decode().strip().rpartition("\n")[2]
            print(f"{handler or '(none named)'}, {facts['ip']}, asked {address}: {page or answer.stderr.decode()}")
            if not page.startswith("handler-"):
                sys.exit(f"{address} cannot be reached from {facts['ip']}: {answer}")
    if not options.address:
        sys.exit("no address is given to reach")


async def make(client: CriClient, options: argparse.Namespace, handler: str) -> Facts:
    """A pod that runs and answers."""
    word = f"handler-{handler or 'default'}-{options.verb}"
    registry = LoopbackRegistry(options.registry_binary)
    try:
        built = image.build(word, options.busybox)
        reference = await asyncio.to_thread(lambda: registry.start().push("orlop/handlers", word, built))
        pod = VerificationPod(client, word, str(LOGS), handler=handler)
        image_id = await pod.pull(reference)
    finally:
        registry.stop()
    pod_id = await pod.run()
    container = await pod.create(image_id)
    await pod.start()
    await pod.fetch(await pod.ip())
    await pod.execute()
    return await look(client, pod_id, container)


async def look(client: CriClient, pod: str, container: str) -> Facts:
    """What must stay as it is."""
    sandbox = (await client.call("PodSandboxStatus", pod_pb2.PodSandboxStatusRequest(pod_sandbox_id=pod))).status
    request = container_pb2.ContainerStatusRequest(container_id=container, verbose=True)
    answer = await client.call("ContainerStatus", request)
    return {
        "pod": pod,
        "container": container,
        "ip": sandbox.network.ip,
        "pod state": str(sandbox.state),
        "state": str(answer.status.state),
        "started": str(answer.status.started_at),
        "binary": json.loads(answer.info["info"])["runtimePath"],
    }


async def execute(client: CriClient, container: str) -> None:
    """A command runs in it."""
    request = exec_pb2.ExecSyncRequest(container_id=container, cmd=["/bin/echo", "here"], timeout=30)
    answer = await client.call("ExecSync", request)
    if answer.stdout != b"here\n":
        sys.exit(f"exec in {container}: {answer}")


async def remove(client: CriClient, facts: Facts) -> None:
    """Stop with a second's grace, then away."""
    request = container_pb2.StopContainerRequest(container_id=facts["container"], timeout=1)
    await client.call("StopContainer", request, timeout=60)
    await client.call("StopPodSandbox", pod_pb2.StopPodSandboxRequest(pod_sandbox_id=facts["pod"]), timeout=60)
    await client.call("RemovePodSandbox", pod_pb2.RemovePodSandboxRequest(pod_sandbox_id=facts["pod"]), timeout=60)


def told(who: str, binary: str, program: str) -> None:
    """A pod is run by what it should be run by."""
    print(f"{who}: {binary}")
    if program not in Path(binary).name:
        sys.exit(f"{who} is run by {binary}, not by {program}")


def show(facts: dict[str, Facts]) -> None:
    """One line each."""
    for handler, each in facts.items():
        print(f"{handler or '(none named)'}: {each}")


if __name__ == "__main__":
    main()
