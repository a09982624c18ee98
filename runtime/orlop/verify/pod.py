"""The requests of the verification pod: one container, whose page, log and exec output hold one word."""

import asyncio
import os

from orlop.aio.threads import offload
from orlop.api.client import CriClient
from orlop.api.v1 import container_pb2, exec_pb2, image_pb2, pod_pb2
from orlop.linux.files import read_text
from orlop.model.errors import DataLoss, FailedPrecondition, Unavailable

PORT = 8080
NAMESPACE = "orlop-verify"
LOG = "web.log"
# As the kubelet asks for an ordinary pod: every container has a PID namespace of its own.
_LINUX = {"security_context": {"namespace_options": {"pid": "CONTAINER"}}}
PAGE_LIMIT = 65536
HTTP_LIMIT = 10.0
"""Seconds until a web server that does not answer is given up."""


class VerificationPod:
    """Speaks to the runtime about one pod. Each method is one RPC, or one look at what it did."""

    def __init__(self, client: CriClient, word: str, log_directory: str, *, handler: str = "") -> None:
        self._client = client
        self._word = word
        self._handler = handler
        self._log_directory = log_directory
        self._metadata = {"name": f"verify-{word}", "uid": f"verify-{word}", "namespace": NAMESPACE}
        self._config = pod_pb2.RunPodSandboxRequest(
            config={
                "metadata": self._metadata,
                "hostname": "orlop-verify",
                "log_directory": log_directory,
                "labels": {"app.kubernetes.io/name": "orlop-verify"},
                "linux": _LINUX,
            }
        ).config
        self._pod_id = ""
        self._container_id = ""

    async def pull(self, image: str) -> str:
        """PullImage; returns the image's id."""
        request = image_pb2.PullImageRequest(image={"image": image}, sandbox_config=self._config)
        answer = await self._client.call("PullImage", request, timeout=600)
        return str(answer.image_ref)

    async def remove_image(self, image: str) -> None:
        """RemoveImage."""
        await self._client.call("RemoveImage", image_pb2.RemoveImageRequest(image={"image": image}))

    async def run(self) -> str:
        """RunPodSandbox; returns the pod's id."""
        request = pod_pb2.RunPodSandboxRequest(config=self._config, runtime_handler=self._handler)
        self._pod_id = (await self._client.call("RunPodSandbox", request, timeout=120)).pod_sandbox_id
        return self._pod_id

    async def ip(self) -> str:
        """PodSandboxStatus; returns the pod's IP. Raises FailedPrecondition when it has none."""
        request = pod_pb2.PodSandboxStatusRequest(pod_sandbox_id=self._pod_id)
        ip: str = (await self._client.call("PodSandboxStatus", request)).status.network.ip
        if not ip:
            raise FailedPrecondition("the pod has no IP: the network's plugins gave none")
        return ip

    async def create(self, image: str) -> str:
        """CreateContainer; returns the container's id."""
        script = (
            f"echo {self._word}; mkdir -p /tmp/www; echo {self._word} > /tmp/www/index.html; "
            f"exec httpd -f -p {PORT} -h /tmp/www"
        )
        request = container_pb2.CreateContainerRequest(
            pod_sandbox_id=self._pod_id,
            config={
                "metadata": {"name": "web"},
                "image": {"image": image},
                "command": ["/bin/sh", "-c", script],
                "log_path": LOG,
                "linux": _LINUX,
            },
            sandbox_config=self._config,
        )
        self._container_id = (await self._client.call("CreateContainer", request, timeout=240)).container_id
        return self._container_id

    async def start(self) -> None:
        """StartContainer."""
        await self._client.call("StartContainer", container_pb2.StartContainerRequest(container_id=self._container_id))

    async def fetch(self, ip: str) -> str:
        """GET the page from the pod's IP; the server may take a moment to listen."""
        problem: object = "no answer"
        try:
            async with asyncio.timeout(HTTP_LIMIT):
                while True:
                    try:
                        answer = await _get(ip, PORT)
                        break
                    except OSError as error:
                        problem = error
                        await asyncio.sleep(0.01)
        except TimeoutError:
            raise Unavailable(f"http://{ip}:{PORT}/ does not answer within {HTTP_LIMIT:g} s: {problem}") from None
        self._expect(answer, f"the page at http://{ip}:{PORT}/")
        return f"http://{ip}:{PORT}/"

    async def execute(self) -> str:
        """ExecSync; returns what was run."""
        command = ["/bin/cat", "/tmp/www/index.html"]
        request = exec_pb2.ExecSyncRequest(container_id=self._container_id, cmd=command, timeout=10)
        answer = await self._client.call("ExecSync", request)
        if answer.exit_code:
            raise DataLoss(f"{command[0]} ended with {answer.exit_code}: {answer.stderr.decode(errors='replace')}")
        self._expect(answer.stdout.decode(errors="replace"), "the command's output")
        return " ".join(command)

    async def read_log(self) -> str:
        """The container's log file has the word in a line of the CRI's format."""
        path = os.path.join(self._log_directory, LOG)
        lines = (await offload(read_text, path)).splitlines()
        # <time> <stream> <F or P> <text>
        texts = [line.split(" ", 3)[3] for line in lines if line.split(" ", 3)[1:3] == ["stdout", "F"]]
        self._expect("\n".join(texts), f"the log {path}")
        return f"{len(lines)} lines"

    async def stop_container(self) -> None:
        """StopContainer."""
        request = container_pb2.StopContainerRequest(container_id=self._container_id, timeout=0)
        await self._client.call("StopContainer", request)

    async def remove_container(self) -> None:
        """RemoveContainer."""
        request = container_pb2.RemoveContainerRequest(container_id=self._container_id)
        await self._client.call("RemoveContainer", request)

    async def stop(self) -> None:
        """StopPodSandbox."""
        await self._client.call(
            "StopPodSandbox", pod_pb2.StopPodSandboxRequest(pod_sandbox_id=self._pod_id), timeout=120
        )

    async def remove(self) -> None:
        """RemovePodSandbox."""
        request = pod_pb2.RemovePodSandboxRequest(pod_sandbox_id=self._pod_id)
        await self._client.call("RemovePodSandbox", request, timeout=120)

    def _expect(self, text: str, where: str) -> None:
        if self._word not in text:
            raise DataLoss(f"{where} should hold {self._word!r}, but is {text[:200]!r}")


async def _get(ip: str, port: int) -> str:
    reader, writer = await asyncio.open_connection(ip, port)
    try:
        host = f"[{ip}]" if ":" in ip else ip
        writer.write(f"GET / HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        await writer.drain()
        answer = b""
        # The head may come before the page; the end of the answer is the end of the connection.
        while len(answer) < PAGE_LIMIT and (part := await reader.read(PAGE_LIMIT)):
            answer += part
        return answer.decode(errors="replace")
    finally:
        writer.close()
