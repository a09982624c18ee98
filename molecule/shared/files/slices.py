"""Containers on cgroup version 2, below slices that the kubelet would name. Run on a node, by the daemon's own Python.

With each handler a pod whose container has limits: it is a scope of systemd in the pod's slice, the kernel has the
limits, the stats have its figures, a command runs in it, what exceeds its memory is killed, and nothing stays.
Prints what it saw; the status is 1 when something is wrong.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from orlop.api.client import CriClient
from orlop.api.v1 import container_pb2, exec_pb2, image_pb2, pod_pb2, stats_pb2
from orlop.verify import image
from orlop.verify.registry import LoopbackRegistry

CGROUPS = Path("/sys/fs/cgroup")
MEMORY = 64 << 20
QUOTA, PERIOD = 50_000, 100_000
"""Microseconds."""
SECONDS = 300.0
"""For each request, and for whatever is waited for: without hardware acceleration the node is slow."""
SYSTEMD = 0
"""Of CgroupDriver in the CRI."""
OWN_PROCESSES = {"namespace_options": {"pid": "CONTAINER"}}
"""As the kubelet asks for an ordinary pod."""
EXCEED = "busybox dd if=/dev/zero of=/dev/null bs=256M count=4"


def main() -> None:
    """Each handler, one after the other."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("handlers", nargs="+")
    for option in ("--registry-binary", "--busybox", "--socket"):
        asked.add_argument(option, required=True)
    options = asked.parse_args()
    registry = LoopbackRegistry(options.registry_binary)
    try:
        reference = registry.start().push("orlop/slices", "slices", image.build("slices", options.busybox))
        asyncio.run(prove(options.socket, reference, options.handlers))
    finally:
        registry.stop()


async def prove(socket: str, reference: str, handlers: list[str]) -> None:
    """The driver, then each handler's container."""
    async with CriClient(socket) as client:
        driver = (await client.call("RuntimeConfig")).linux.cgroup_driver
        print(f"cgroup driver: {'systemd' if driver == SYSTEMD else driver}")
        expect("the driver", driver, SYSTEMD)
        await client.call("PullImage", image_pb2.PullImageRequest(image={"image": reference}), timeout=SECONDS)
        for handler in handlers:
            slice_ = f"kubepods-burstable-pod{handler}.slice"
            async with pod(client, handler, slice_) as (pod_id, config):
                await limits(client, reference, handler, slice_, pod_id, config)
                await exceeded(client, reference, handler, pod_id, config)
            await asyncio.to_thread(gone, slice_)
        await client.call("RemoveImage", image_pb2.RemoveImageRequest(image={"image": reference}), timeout=SECONDS)


@contextlib.asynccontextmanager
async def pod(client: CriClient, handler: str, slice_: str) -> AsyncIterator[tuple[str, Any]]:
    """A pod of the handler below the slice; it is removed at the end."""
    name = f"slices-{handler}"
    linux = {"cgroup_parent": slice_, "security_context": OWN_PROCESSES}
    config = {"metadata": {"name": name, "uid": name, "namespace": "orlop-slices"}, "linux": linux}
    request = pod_pb2.RunPodSandboxRequest(config=config, runtime_handler=handler)
    pod_id = (await client.call("RunPodSandbox", request, timeout=SECONDS)).pod_sandbox_id
    try:
        yield pod_id, request.config
    finally:
        await client.call("StopPodSandbox", pod_pb2.StopPodSandboxRequest(pod_sandbox_id=pod_id), timeout=SECONDS)
        await client.call("RemovePodSandbox", pod_pb2.RemovePodSandboxRequest(pod_sandbox_id=pod_id), timeout=SECONDS)


async def limits(client: CriClient, reference: str, handler: str, slice_: str, pod_id: str, config: Any) -> None:
    """The container's scope, what the kernel and systemd say of it, its figures, and a command in it."""
    container = await started(client, reference, pod_id, config, "sleep", "while :; do sleep 1; done")
    request = container_pb2.ContainerStatusRequest(container_id=container, verbose=True)
    pid = json.loads((await client.call("ContainerStatus", request, timeout=SECONDS)).info["info"])["pid"]
    group = group_of(pid)
    scope = f"orlop-{container}.scope"
    found = group.partition(f"/{scope}")[0]
    print(f"{handler}: {group}")
    expect("the slice", found, f"kubepods.slice/kubepods-burstable.slice/{slice_}")
    said = systemd(scope)
    print(f"{handler}: {said}")
    expect("systemd's slice", said["Slice"], slice_)
    for file, wanted in (("memory.max", f"{MEMORY}"), ("cpu.max", f"{QUOTA} {PERIOD}")):
        # crun has a group below its scope, and the limits there.
        expect(file, (CGROUPS / group / file).read_text().strip(), wanted)
    await figures(client, handler, container)
    ask = exec_pb2.ExecSyncRequest(container_id=container, cmd=["/bin/sh", "-c", "echo executed"], timeout=120)
    expect("exec", (await client.call("ExecSync", ask, timeout=SECONDS)).stdout, b"executed\n")


async def figures(client: CriClient, handler: str, container: str) -> None:
    """Memory and processor time, which grows: the container works a little."""
    request = stats_pb2.ContainerStatsRequest(container_id=container)
    first = (await client.call("ContainerStats", request, timeout=SECONDS)).stats
    until = time.monotonic() + SECONDS
    while True:
        stats = (await client.call("ContainerStats", request, timeout=SECONDS)).stats
        used, memory = stats.cpu.usage_core_nano_seconds.value, stats.memory.working_set_bytes.value
        if used > first.cpu.usage_core_nano_seconds.value and memory:
            break
        if time.monotonic() > until:
            sys.exit(f"the stats of {container} do not grow: {first} {stats}")
        await asyncio.sleep(1)
    print(f"{handler}: {used / 1e9:.1f} s of processor time, working set {memory}, of {MEMORY}")
    if not 0 < memory <= MEMORY:
        sys.exit(f"a working set of {memory} cannot be: the limit is {MEMORY}")


async def exceeded(client: CriClient, reference: str, handler: str, pod_id: str, config: Any) -> None:
    """A container that wants more memory than it may have is killed, and it is said why."""
    container = await started(client, reference, pod_id, config, "exceed", f"exec {EXCEED}")
    request = container_pb2.ContainerStatusRequest(container_id=container)
    until = time.monotonic() + SECONDS
    while not (status := (await client.call("ContainerStatus", request, timeout=SECONDS)).status).finished_at:
        if time.monotonic() > until:
            sys.exit(f"{container} still runs: {status}")
        await asyncio.sleep(1)
    print(f"{handler}: {status.reason}, {status.exit_code}")
    expect("the end", (status.reason, status.exit_code), ("OOMKilled", 137))


async def started(client: CriClient, reference: str, pod_id: str, config: Any, name: str, script: str) -> str:
    """A container with the limits; its id."""
    resources = {"memory_limit_in_bytes": MEMORY, "cpu_quota": QUOTA, "cpu_period": PERIOD}
    request = container_pb2.CreateContainerRequest(
        pod_sandbox_id=pod_id,
        config={
            "metadata": {"name": name},
            "image": {"image": reference},
            "command": ["/bin/sh", "-c", script],
            "linux": {"resources": resources, "security_context": OWN_PROCESSES},
        },
        sandbox_config=config,
    )
    container: str = (await client.call("CreateContainer", request, timeout=SECONDS)).container_id
    start = container_pb2.StartContainerRequest(container_id=container)
    await client.call("StartContainer", start, timeout=SECONDS)
    return container


def gone(slice_: str) -> None:
    """Nothing of the pod stays below its slice, which then ends as the kubelet ends it."""
    place = CGROUPS / "kubepods.slice/kubepods-burstable.slice" / slice_
    until = time.monotonic() + SECONDS
    while left := [path.name for path in place.glob("*/")]:
        if time.monotonic() > until:
            sys.exit(f"this stays in {slice_}: {left}")
        time.sleep(0.5)
    subprocess.run(["systemctl", "stop", slice_], check=True)


def group_of(pid: int) -> str:
    """A process's group, below the root of the hierarchy."""
    return Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::/")


def systemd(unit: str) -> dict[str, str]:
    """Properties of a unit, as systemd has them."""
    argv = ["systemctl", "show", unit, "--property=Slice,ActiveState,MemoryMax,CPUQuotaPerSecUSec"]
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


def expect(what: str, found: object, wanted: object) -> None:
    """Ends the program where it is otherwise."""
    if found != wanted:
        sys.exit(f"{what}: {found!r} and not {wanted!r}")


if __name__ == "__main__":
    main()
