"""orlop status and orlop daemon status, against a runtime made for the test."""

import asyncio
import json
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orlop.api.gate import Gate
from orlop.api.server import CriServer
from orlop.api.v1 import runtime_pb2
from orlop.cli.main import cli


def run(*args: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(cli, args)


class Runtime:
    """Serves Version and Status from a thread of its own until it is closed."""

    def __init__(self, *, network_ready: bool) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="orlop-")
        self.socket = f"{self._directory.name}/cri.sock"
        self._network_ready = network_ready
        self._loop = asyncio.new_event_loop()
        self._up, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        assert self._up.wait(10)

    def close(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        self._loop.close()
        self._directory.cleanup()

    async def _serve(self) -> None:
        gate = Gate()
        gate.open()
        verbs = {"Version": self._version, "Status": self._status}
        server = CriServer(self.socket, verbs, None, gate)
        await server.start()
        self._up.set()
        await self._end.wait()
        await server.stop(0)

    def _version(self, deck: object, request: Any) -> Any:
        return runtime_pb2.VersionResponse(runtime_name="orlop", runtime_version="9.9", runtime_api_version="v1")

    def _status(self, deck: object, request: Any) -> Any:
        assert request.verbose
        return runtime_pb2.StatusResponse(
            status={
                "conditions": [
                    {"type": "RuntimeReady", "status": True},
                    {
                        "type": "NetworkReady",
                        "status": self._network_ready,
                        "reason": "" if self._network_ready else "NoConflist",
                        "message": "" if self._network_ready else "nothing in /etc/cni/net.d",
                    },
                ]
            },
            runtime_handlers=[{"name": ""}, {"name": "runc", "features": {"recursive_read_only_mounts": True}}],
            info={"config": '{"a": 1}', "plain": "not json"},
        )


@pytest.fixture
def ready() -> Iterator[Runtime]:
    runtime = Runtime(network_ready=True)
    yield runtime
    runtime.close()


@pytest.fixture
def not_ready() -> Iterator[Runtime]:
    runtime = Runtime(network_ready=False)
    yield runtime
    runtime.close()


def test_a_ready_runtime(ready: Runtime) -> None:
    result = run("status", "--socket", f"unix://{ready.socket}")
    assert result.exit_code == 0, result.output
    assert "orlop 9.9, CRI v1" in result.output
    assert "NetworkReady" in result.output and "runc" in result.output


def test_a_runtime_that_is_not_ready(not_ready: Runtime) -> None:
    result = run("status", "--socket", not_ready.socket, "-o", "json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert found["conditions"][1] == {
        "type": "NetworkReady",
        "met": False,
        "reason": "NoConflist",
        "message": "nothing in /etc/cni/net.d",
    }
    assert found["handlers"][1]["recursiveReadOnlyMounts"] is True
    assert found["info"] == {"config": {"a": 1}, "plain": "not json"}


def test_nobody_answers(tmp_path: Any) -> None:
    result = run("status", "--socket", str(tmp_path / "none.sock"))
    assert result.exit_code == 1
    assert f"nobody answers at {tmp_path}/none.sock: start the daemon" in result.output


def test_an_rpc_that_fails_is_told(ready: Runtime) -> None:
    from orlop.cli.asking import ask
    from orlop.model.errors import OrlopError

    with pytest.raises(OrlopError, match="UNIMPLEMENTED: ListImages is not built"):
        ask(ready.socket, lambda client: client.call("ListImages"))


def test_daemon_status_without_a_daemon(tmp_path: Any, ready: Runtime) -> None:
    config = tmp_path / "orlop.toml"
    config.write_text(f'[daemon]\nsocket = "{tmp_path}/none.sock"\nstate_dir = "{tmp_path}"\n')
    result = run("daemon", "status", "--config", str(config))
    assert (result.exit_code, result.output) == (3, "The daemon does not run\n")
    assert run("daemon", "stop", "--config", str(config)).output == "The daemon does not run\n"
    config.write_text(f'[daemon]\nsocket = "{ready.socket}"\nstate_dir = "{tmp_path}"\n')
    result = run("daemon", "status", "--config", str(config))
    assert (result.exit_code, result.output) == (
        3,
        f"The daemon does not run, but something else serves {ready.socket}\n",
    )
