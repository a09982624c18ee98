"""The proof of a node: what the runtime says of itself, then one pod from the pull of its image to its removal."""

import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from orlop.aio.threads import offload
from orlop.api.client import CriClient
from orlop.api.v1 import runtime_pb2
from orlop.verify import image as image_builder
from orlop.verify.journal import Journal, Step, StepFailed
from orlop.verify.pod import VerificationPod
from orlop.verify.registry import LoopbackRegistry

REPOSITORY = "orlop/verify"


@dataclass(slots=True)
class Facts:
    """What the runtime says of itself."""

    runtime: str = ""
    handlers: dict[str, list[str]] = field(default_factory=dict)
    """Features by name."""
    cgroup_driver: str = ""
    conditions: dict[str, str] = field(default_factory=dict)
    """Empty text: met."""
    network: str = ""


@dataclass(slots=True)
class Proof:
    """The outcome."""

    facts: Facts
    steps: list[Step]
    image: str
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How to verify."""

    socket: str
    image: str = ""
    """Empty: one is made and served on loopback."""
    handler: str = ""
    registry_binary: str | None = None
    busybox: str | None = None


async def prove(wanted: Wanted, on_step: Callable[[Step], None] = lambda step: None) -> Proof:
    """Do all of it. Whatever happens, all that was made is removed again; the proof says what did not work."""
    journal = Journal(on_step=on_step)
    facts, image = Facts(), wanted.image
    async with CriClient(wanted.socket) as client:
        try:
            facts = await journal.step("ask the runtime", lambda: _facts(client), lambda found: found.runtime)
            word = secrets.token_hex(8)
            image = image or await _serve_image(journal, wanted, word)
            await _run_pod(journal, client, wanted, word, image)
        except StepFailed:
            pass  # the journal has it
        finally:
            await journal.unwind()
    return Proof(facts, journal.steps, image, journal.failed is None)


async def _serve_image(journal: Journal, wanted: Wanted, word: str) -> str:
    """Make the image, and a registry that has it."""

    async def build() -> image_builder.BuiltImage:
        return await offload(image_builder.build, word, wanted.busybox)

    async def start() -> LoopbackRegistry:
        registry = LoopbackRegistry(wanted.registry_binary)
        journal.undo("end the registry", lambda: offload(registry.stop))
        return await offload(registry.start)

    built = await journal.step(
        "make the image", build, lambda found: f"{sum(len(blob.data) for blob in found.blobs) >> 10} KiB from busybox"
    )
    registry = await journal.step("start a registry", start, lambda found: found.host)
    return await journal.step("push the image", lambda: offload(registry.push, REPOSITORY, word, built), str)


async def _run_pod(journal: Journal, client: CriClient, wanted: Wanted, word: str, image: str) -> None:
    logs = tempfile.mkdtemp(prefix="orlop-verify-logs-")
    journal.undo("remove the logs", lambda: offload(shutil.rmtree, logs, ignore_errors=True))
    pod = VerificationPod(client, word, logs, handler=wanted.handler)
    image_id = await journal.step("PullImage", lambda: pod.pull(image), str)
    if not wanted.image:  # an image that the user named may be in use
        journal.undo("RemoveImage", lambda: pod.remove_image(image))
    await journal.step("RunPodSandbox", pod.run, _short)
    journal.undo("RemovePodSandbox", pod.remove)
    journal.undo("StopPodSandbox", pod.stop)
    ip = await journal.step("PodSandboxStatus", pod.ip, str)
    await journal.step("CreateContainer", lambda: pod.create(image_id), _short)
    journal.undo("RemoveContainer", pod.remove_container)
    journal.undo("StopContainer", pod.stop_container)
    await journal.step("StartContainer", pod.start)
    await journal.step("GET over the pod IP", lambda: pod.fetch(ip), str)
    await journal.step("ExecSync", pod.execute, str)
    await journal.step("read the log", pod.read_log, str)


def _short(object_id: str) -> str:
    return object_id[:12]


async def _facts(client: CriClient) -> Facts:
    version = await client.call("Version")
    status = await client.call("Status", runtime_pb2.StatusRequest(verbose=True))
    config = await client.call("RuntimeConfig")
    conditions = {
        each.type: "" if each.status else f"{each.reason}: {each.message}" for each in status.status.conditions
    }
    return Facts(
        runtime=f"{version.runtime_name} {version.runtime_version}, CRI {version.runtime_api_version}",
        handlers={each.name: _features(each.features) for each in status.runtime_handlers if each.name},
        cgroup_driver=runtime_pb2.CgroupDriver.Name(config.linux.cgroup_driver).lower(),
        conditions=conditions,
        network=_network(status.info),
    )


def _features(features: Any) -> list[str]:
    """Names of those that a handler has."""
    return [field.name for field, value in features.ListFields() if value]


def _network(info: Any) -> str:
    """Name of the network, where the runtime tells it in its verbose status."""
    try:
        told = msgspec.json.decode(info["network"]) if "network" in info else {}
    except msgspec.DecodeError:
        return ""
    return str(told.get("name", "")) if isinstance(told, dict) else ""
