"""A pod must not notice that the daemon is restarted or killed. Run on a node, by the daemon's own Python.

Prints what it saw; the status is 1 when the pod was touched.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile

import grpc

from orlop.api.client import CriClient
from orlop.api.v1 import container_pb2, pod_pb2
from orlop.verify import image
from orlop.verify.pod import VerificationPod
from orlop.verify.registry import LoopbackRegistry

UNIT = "orlop.service"
WORD = "outlives"
SECONDS_UNTIL_BACK = 300  # in a virtual machine a start alone takes half a minute


def main() -> None:
    """Whatever happens, the pod and the registry are removed again."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--registry-binary", required=True)
    asked.add_argument("--busybox", required=True)
    asked.add_argument("--socket", required=True)
    options = asked.parse_args()
    registry = LoopbackRegistry(options.registry_binary)
    try:
        reference = registry.start().push("orlop/outlive", WORD, image.build(WORD, options.busybox))
        with tempfile.TemporaryDirectory() as logs:
            asyncio.run(prove(options.socket, reference, logs))
    finally:
        registry.stop()


async def prove(socket: str, reference: str, logs: str) -> None:
    """The same container answers before, between and after."""
    async with CriClient(socket) as client:
        pod = VerificationPod(client, WORD, logs)
        image_id = await pod.pull(reference)
        await pod.run()
        try:
            ip = await pod.ip()
            await pod.create(image_id)
            await pod.start()
            await pod.fetch(ip)
            before = await facts(client)
            for command in (["restart", UNIT], ["kill", "--signal=KILL", UNIT]):
                await systemctl(*command)
                await until_back(client)
                await pod.fetch(ip)
                await pod.execute()
                after = await facts(client)
                print(f"after systemctl {' '.join(command)}: {after}")
                if after != before:
                    sys.exit(f"the pod was touched; it was {before}")
        finally:
            await pod.stop()
            await pod.remove()
            await pod.remove_image(reference)


async def systemctl(*argv: str) -> None:
    """CalledProcessError where it does not succeed."""
    await asyncio.to_thread(subprocess.run, ["systemctl", *argv], check=True)


async def facts(client: CriClient) -> list[tuple[str, ...]]:
    """What must stay: ids, states, start times, restarts by number of containers, and the pod's address."""
    pods = (await client.call("ListPodSandbox")).items
    containers = (await client.call("ListContainers")).containers
    found = []
    for each in pods:
        status = await client.call("PodSandboxStatus", pod_pb2.PodSandboxStatusRequest(pod_sandbox_id=each.id))
        found.append(("pod", each.id, str(each.state), status.status.network.ip))
    for each in containers:
        status = await client.call("ContainerStatus", container_pb2.ContainerStatusRequest(container_id=each.id))
        found.append(("container", each.id, str(status.status.state), str(status.status.started_at)))
    return sorted(found)


async def until_back(client: CriClient) -> None:
    """systemd starts a killed unit after its RestartSec."""
    async with asyncio.timeout(SECONDS_UNTIL_BACK):
        while True:
            try:
                await client.call("Version", timeout=2)
                await systemctl("is-active", "--quiet", UNIT)
                return
            except (grpc.aio.AioRpcError, subprocess.CalledProcessError):
                pass  # not back yet
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    main()
