"""A node under test: the real daemon as a process, with directories, sockets, network and cgroups of its own.

    with Node() as node:
        node.start()
        node.cri("Version")
        node.kill()          # SIGKILL, as a crash
        node.start()         # the same node again

Paths are short, for a unix socket's has at most 107 bytes. Registries and images are in tests.parts.
"""

import itertools
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from tests.harness import cgroups, privacy, toml
from tests.harness.cri import Cri
from tests.harness.initclient import Init
from tests.harness.network import PLUGIN_DIR, Network

READY_TIMEOUT = 30.0
STOP_TIMEOUT = 15.0
RUNTIME = Path(__file__).resolve().parents[2] / "runtime"

SHIM_RUNC = {"type": "shim", "path": "/usr/bin/containerd-shim-runc-v2"}
"""Of Debian's containerd; what only has it as a shim calls runc."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    status: int
    output: str


class Node:
    """One daemon and all that belongs to it. Starting and stopping the daemon is not the node's end: `close` is."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """Make the directories. `config` is laid over the tests' configuration, table by table."""
        self.base = Path(tempfile.mkdtemp(prefix="orlop-", dir="/tmp"))
        self.base.chmod(0o711)  # a container's root in a user namespace passes through
        self.state_dir, self.root_dir, self.logs = self.base / "run", self.base / "lib", self.base / "logs"
        for directory in (self.state_dir, self.root_dir, self.logs):
            directory.mkdir()
        privacy.mount("tmpfs", str(self.state_dir), "tmpfs", 0, "mode=0755")
        self.socket = self.state_dir / "orlop.sock"
        self.config_file = self.base / "orlop.toml"
        self.daemon_log = self.base / "daemon.log"
        self.network = Network(self.base / "cni", next(_numbers))
        self.pid = 0
        self.cri = Cri(str(self.socket))
        """The connection; it lasts over restarts."""
        self._init = Init()
        self.configure(config or {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(f"---- the daemon's log\n{self.log()[-8000:]}")
        self.close()

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Write the configuration; it holds from the daemon's next start on."""
        self.config_file.write_text(toml.dump(toml.merged(self._defaults(), changes)))

    def drop_handlers(self, *names: str) -> None:
        """Take handlers out of the configuration; it holds from the daemon's next start on."""
        defaults = self._defaults()
        defaults["handlers"] = {name: table for name, table in defaults["handlers"].items() if name not in names}
        self.config_file.write_text(toml.dump(defaults))

    def start(self) -> None:
        """Start the daemon and wait until it answers and says that it is ready."""
        self.launch()
        self._wait_ready()

    def launch(self) -> None:
        """Start the daemon without waiting for it."""
        self.pid = self._init.start(self._argv(), self._environment(), self.daemon_log)

    def start_another(self) -> "Ended":
        """Start a second daemon on the same configuration, which must end by itself; its exit code and output."""
        log = self.base / "another.log"
        pid = self._init.start(self._argv(), self._environment(), log)
        return Ended(self._init.wait(pid, STOP_TIMEOUT), log.read_text(errors="replace"))

    def stop(self) -> int:
        """SIGTERM, and wait. Returns the daemon's exit code."""
        return self._end(15)

    def kill(self) -> None:
        """SIGKILL, and wait: the daemon gets no chance to do anything."""
        self._end(9)

    def restart(self, *, hard: bool = False) -> None:
        """End the daemon, politely or not, and start it again."""
        self._end(9 if hard else 15)
        self.start()

    def forget_volatile(self, pod_ids: Iterable[str]) -> None:
        """Take from a node whose daemon has ended what a reboot takes: /run with its mounts, and pods' cgroups.

        Pods must be without containers. The network, which is the kernel's too, is the caller's business.
        """
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            if (target := line.split()[4]).startswith(str(self.state_dir)):
                privacy.unmount(target)
        privacy.mount("tmpfs", str(self.state_dir), "tmpfs", 0, "mode=0755")
        gone = set(pod_ids)
        for hierarchy in cgroups.hierarchies():
            for path in (hierarchy / cgroups.PODS.lstrip("/")).glob("*"):
                if any(pod_id in path.name for pod_id in gone):
                    cgroups.remove(path)

    def log(self) -> str:
        """All that the daemon has written."""
        return self.daemon_log.read_text(errors="replace") if self.daemon_log.exists() else ""

    def close(self) -> None:
        """End the daemon and everything below it, and remove what belongs to the node."""
        if self.pid:
            self.stop()
        self._init.close()
        self.network.remove()
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            if (target := line.split()[4]).startswith(f"{self.base}/"):
                privacy.unmount(target)
        shutil.rmtree(self.base)

    def files(self) -> list[Path]:
        """Directories in which pods and containers leave traces."""
        return [self.state_dir, self.root_dir, self.network.cache_dir, self.network.lease_dir]

    def _argv(self) -> list[str]:
        program = "from orlop.cli.main import daemon_main; daemon_main()"
        return [sys.executable, "-c", program, "--config", str(self.config_file)]

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(RUNTIME), "PYTHONWARNINGS": "default"}

    def _end(self, signal: int) -> int:
        self.cri.close()
        os.kill(self.pid, signal)
        status = self._init.wait(self.pid, STOP_TIMEOUT)
        self.pid = 0
        return status

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        while time.monotonic() < deadline:
            status = self._init.ended(self.pid)
            if status is not None:
                self.pid = 0
                raise AssertionError(f"the daemon ended with {status}:\n{self.log()}")
            if self._answers():
                return
            time.sleep(0.01)
        raise AssertionError(f"the daemon is not ready after {READY_TIMEOUT} s:\n{self.log()}")

    def _answers(self) -> bool:
        # gRPC waits a second before it tries a refused address again, so it is asked only once somebody listens.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(str(self.socket)) != 0:
                return False
        try:
            conditions = self.cri("Status", deadline=2).status.conditions
        except grpc.RpcError:
            self.cri.close()
            return False
        return any(condition.type == "RuntimeReady" and condition.status for condition in conditions)

    def _defaults(self) -> dict[str, Any]:
        return {
            "daemon": {
                "socket": str(self.socket),
                "state_dir": str(self.state_dir),
                "root_dir": str(self.root_dir),
                "log_level": "debug",
            },
            "cgroup": {"driver": "cgroupfs", "default_parent": cgroups.PODS},
            "handlers": {"runc": {}, "crun": {}, "shim-runc": SHIM_RUNC},
            # The machine's own files are not for tests.
            "images": {
                "registries_conf": str(self.base / "registries.conf"),
                "certs_dirs": [str(self.base / "certs.d")],
                "auth_files": [str(self.base / "auth.json")],
                "signature_policy": "",
                "registries_d": str(self.base / "registries.d"),
            },
            "network": {
                "conf_dir": str(self.network.conf_dir),
                "cache_dir": str(self.network.cache_dir),
                "plugin_dirs": [PLUGIN_DIR],
            },
        }
