"""Sessions and the daemon: many at once, its end, and what its start does not load."""

import threading
import time
from pathlib import Path

from tests.harness.node import Node
from tests.harness.pods import Pods, eventually
from tests.integration.streaming.clients import Crictl
from tests.integration.streaming.spdyclient import Echo

SESSIONS = 200


def test_the_daemons_end_ends_commands_and_no_container(own_node: Node, own_pods: Pods, tmp_path: Path) -> None:
    container = own_pods.run().start()
    with Crictl(own_node.cri.socket, tmp_path) as crictl:
        client = crictl.start("exec", "-i", container.id, "sleep", "9999")
        eventually(lambda: "9999" in container.sh("ps -o args"))
        own_node.restart()
        assert client.wait(10) == 1
        assert client.stderr
        assert b"the daemon was stopped" in client.stderr.read()
    assert "9999" not in container.sh("ps -o args")
    assert own_node.log().count("Traceback") == 0


def test_two_hundred_sessions_at_once(own_node: Node, own_pods: Pods, tmp_path: Path) -> None:
    # Not by crictl: two hundred Go processes would measure the machine.
    container = own_pods.run().start()
    urls = [
        own_node.cri("Exec", container_id=container.id, cmd=["cat"], stdin=True, stdout=True).url
        for _ in range(SESSIONS)
    ]
    began = time.monotonic()
    echoes = [Echo(url, str(number).encode() * 1000) for number, url in enumerate(urls)]
    threads = [threading.Thread(target=echo.run) for echo in echoes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [echo.came for echo in echoes] == [echo.data for echo in echoes]
    assert all(b"Success" in echo.told for echo in echoes)
    assert time.monotonic() - began < 120
    eventually(lambda: "cat" not in container.sh("ps -o args").split())


def test_a_daemon_that_serves_no_websocket_does_not_load_its_library(
    own_node: Node, own_pods: Pods, tmp_path: Path
) -> None:
    container = own_pods.run().start()
    with Crictl(own_node.cri.socket, tmp_path) as crictl:
        assert crictl.run("exec", container.id, "true").returncode == 0
    own_node.restart()
    with Crictl(own_node.cri.socket, tmp_path) as crictl:
        assert crictl.run("exec", container.id, "true").returncode == 0
    maps = Path(f"/proc/{own_node.pid}/maps").read_text()
    assert "aiohttp" not in maps
