"""The proof against a runtime made for the test: what it asks for; every failure is told and cleaned up after."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.api.gate import Gate
from orlop.api.server import CriServer
from orlop.api.v1 import container_pb2, exec_pb2, image_pb2, pod_pb2, runtime_pb2
from orlop.linux.files import write_atomic
from orlop.model.errors import ResourceExhausted
from orlop.verify import pod as pod_module
from orlop.verify.proof import Proof, Wanted, prove


class Runtime:
    """Plays a runtime whose one container serves a page on loopback. Faults are ordered by RPC name."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fault = ""
        self.page = ""
        self.log = True
        self.ip = "127.0.0.1"
        self._pages: asyncio.Server | None = None
        self._log_directory = ""

    def verbs(self) -> dict[str, Any]:
        """One verb for each RPC that a verification may use."""
        names = (
            "Version Status RuntimeConfig PullImage RunPodSandbox PodSandboxStatus CreateContainer StartContainer "
            "ExecSync StopContainer RemoveContainer StopPodSandbox RemovePodSandbox RemoveImage"
        )
        return {name: self._verb(name) for name in names.split()}

    def _verb(self, name: str) -> Any:
        async def answer(deck: object, request: Any) -> Any:
            self.calls.append(name)
            if name == self.fault:
                raise ResourceExhausted("no space left")
            handler = getattr(self, f"on_{name}", None)
            return await handler(request) if handler else self._empty(name)

        return answer

    @staticmethod
    def _empty(name: str) -> Any:
        from orlop.api import wire

        return wire.METHODS[name].response()

    async def on_Version(self, request: Any) -> Any:
        return runtime_pb2.VersionResponse(runtime_name="fake", runtime_version="1", runtime_api_version="v1")

    async def on_Status(self, request: Any) -> Any:
        return runtime_pb2.StatusResponse(
            status={"conditions": [{"type": "NetworkReady", "status": False, "reason": "R", "message": "M"}]},
            runtime_handlers=[{"name": "runc", "features": {"user_namespaces": True}}, {"name": ""}],
            info={"network": '{"name": "cbr0"}'},
        )

    async def on_RuntimeConfig(self, request: Any) -> Any:
        return runtime_pb2.RuntimeConfigResponse(linux={"cgroup_driver": 1})

    async def on_PullImage(self, request: Any) -> Any:
        return image_pb2.PullImageResponse(image_ref="sha256:abc")

    async def on_RunPodSandbox(self, request: Any) -> Any:
        self._log_directory = request.config.log_directory
        assert request.config.linux.security_context.namespace_options.pid == 1
        return pod_pb2.RunPodSandboxResponse(pod_sandbox_id="p" * 64)

    async def on_PodSandboxStatus(self, request: Any) -> Any:
        return pod_pb2.PodSandboxStatusResponse(status={"network": {"ip": self.ip}})

    async def on_CreateContainer(self, request: Any) -> Any:
        assert request.config.image.image == "sha256:abc"
        self.page = self.page or request.config.command[-1].split(";")[0].removeprefix("echo ")
        return container_pb2.CreateContainerResponse(container_id="c" * 64)

    async def on_StartContainer(self, request: Any) -> Any:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)  # so that head and page come in two parts
            writer.write(f"{self.page}\n".encode())
            await writer.drain()
            writer.close()

        self._pages = await asyncio.start_server(serve, "127.0.0.1", pod_module.PORT)
        if self.log:
            write_atomic(f"{self._log_directory}/web.log", f"2026-01-01T00:00:00Z stdout F {self.page}\n".encode())
        return container_pb2.StartContainerResponse()

    async def on_ExecSync(self, request: Any) -> Any:
        return exec_pb2.ExecSyncResponse(stdout=self.page.encode())

    async def on_StopContainer(self, request: Any) -> Any:
        if self._pages is not None:
            self._pages.close()
            await self._pages.wait_closed()
            self._pages = None
        return container_pb2.StopContainerResponse()


@pytest.fixture
def directory() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="orlop-") as path:
        yield path


@pytest.fixture
def temporary(directory: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the proof puts its temporary files; must be empty afterwards."""
    path = Path(directory, "tmp")
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


@pytest.fixture
async def runtime(directory: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    monkeypatch.setattr(pod_module, "PORT", 18080)
    monkeypatch.setattr(pod_module, "HTTP_LIMIT", 0.5)
    runtime, gate = Runtime(), Gate()
    gate.open()
    server = CriServer(f"{directory}/cri.sock", runtime.verbs(), None, gate)
    await server.start()
    yield runtime
    await server.stop(0)


async def verify(directory: str, image: str = "r.test/busybox") -> Proof:
    """Verify with an image that the user names."""
    return await prove(Wanted(socket=f"{directory}/cri.sock", image=image))


TEARDOWN = ["StopContainer", "RemoveContainer", "StopPodSandbox", "RemovePodSandbox"]


async def test_a_good_runtime_passes(runtime: Runtime, directory: str, temporary: Path) -> None:
    proof = await verify(directory)
    assert proof.passed, proof.steps
    assert proof.facts.runtime == "fake 1, CRI v1"
    assert proof.facts.handlers == {"runc": ["user_namespaces"]}
    assert (proof.facts.cgroup_driver, proof.facts.network) == ("cgroupfs", "cbr0")
    assert proof.facts.conditions == {"NetworkReady": "R: M"}
    assert runtime.calls[-4:] == TEARDOWN
    assert "RemoveImage" not in runtime.calls  # the user's own image stays
    assert os.listdir(temporary) == []


@pytest.mark.parametrize(
    ("fault", "cleaned"),
    [
        ("PullImage", []),
        ("RunPodSandbox", []),
        ("PodSandboxStatus", TEARDOWN[2:]),
        ("CreateContainer", TEARDOWN[2:]),
        ("StartContainer", TEARDOWN),
        ("ExecSync", TEARDOWN),
        ("RemoveContainer", TEARDOWN),
    ],
)
async def test_a_failed_step_is_told_and_cleaned_up_after(
    runtime: Runtime, directory: str, temporary: Path, fault: str, cleaned: list[str]
) -> None:
    runtime.fault = fault
    proof = await verify(directory)
    assert not proof.passed
    failed = next(step for step in proof.steps if step.error)
    assert (failed.name, failed.error) == (fault, "RESOURCE_EXHAUSTED: no space left")
    after = runtime.calls[runtime.calls.index(fault) + (fault not in cleaned) :]
    assert after == cleaned[cleaned.index(fault) if fault in cleaned else 0 :]
    assert os.listdir(temporary) == []


async def test_a_page_of_somebody_else_fails(runtime: Runtime, directory: str, temporary: Path) -> None:
    runtime.page = "not ours"
    proof = await verify(directory)
    failed = next(step for step in proof.steps if step.error)
    assert failed.name == "GET over the pod IP"
    assert "should hold" in failed.error and "not ours" in failed.error


async def test_a_pod_without_an_address_fails(runtime: Runtime, directory: str, temporary: Path) -> None:
    runtime.ip = ""
    failed = next(step for step in (await verify(directory)).steps if step.error)
    assert failed.error == "the pod has no IP: the network's plugins gave none"


async def test_a_pod_that_does_not_answer_fails(runtime: Runtime, directory: str, temporary: Path) -> None:
    runtime.ip = "127.0.0.2"
    failed = next(step for step in (await verify(directory)).steps if step.error)
    assert failed.error.startswith("http://127.0.0.2:18080/ does not answer within 0.5 s: ")
    assert runtime.calls[-4:] == TEARDOWN


async def test_a_log_that_is_not_there_fails(runtime: Runtime, directory: str, temporary: Path) -> None:
    runtime.log = False
    failed = next(step for step in (await verify(directory)).steps if step.error)
    assert failed.name == "read the log"
    assert "web.log" in failed.error


async def test_nobody_at_the_socket(directory: str, temporary: Path) -> None:
    proof = await verify(directory)
    assert [step.name for step in proof.steps] == ["ask the runtime"]
    assert proof.steps[0].error.startswith("UNAVAILABLE")


async def test_no_busybox_is_told_before_anything_is_made(runtime: Runtime, directory: str, temporary: Path) -> None:
    proof = await prove(Wanted(socket=f"{directory}/cri.sock", busybox="/nowhere/busybox"))
    assert [step.name for step in proof.steps] == ["ask the runtime", "make the image"]
    assert "apt install busybox-static" in proof.steps[1].error
    assert os.listdir(temporary) == []
