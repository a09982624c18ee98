"""CRI-O as a peer, from a binary that somebody built: Debian has no package. Started on the side, as containerd is.

Beside the binary there must be `pinns`, its helper for namespaces. docs/performance.md tells how both are built.
"""

import json
import os
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.conflists import with_nftables
from tests.bench.targets import Target
from tests.fakes.images import busybox_image
from tests.harness import privacy
from tests.harness.initclient import Init
from tests.harness.network import PLUGIN_DIR, Network
from tests.parts.registry import Registry

NETWORK_NUMBER = 51
COMPILED_IN = ("/var/lib/cni",)

CONFIG = """\
[crio]
root = "{base}/lib"
runroot = "{base}/run"
storage_driver = "overlay"
log_dir = "{base}/logs"
version_file = "{base}/version"
version_file_persist = "{base}/version-kept"
clean_shutdown_file = "{base}/clean"
internal_wipe = false
[crio.api]
listen = "{base}/o.sock"
stream_address = "127.0.0.1"
stream_port = "0"
[crio.runtime]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
default_runtime = "{handler}"
pinns_path = "{pinns}"
namespaces_dir = "{base}/ns"
container_exits_dir = "{base}/exits"
container_attach_socket_dir = "{base}/attach"
apparmor_profile = "unconfined"
enable_pod_events = {events}
hooks_dir = []
[crio.image]
pause_image = "{pause}"
pause_command = ""
signature_policy = "{base}/policy.json"
insecure_registries = ["{registry}"]
[crio.network]
network_dir = "{conf_dir}"
plugin_dirs = ["{plugins}"]
[crio.metrics]
enable_metrics = false
"""
HANDLER = """\
[crio.runtime.runtimes.{name}]
runtime_path = "{path}"
runtime_root = "{base}/{name}"
monitor_path = "{conmon}"
monitor_cgroup = "pod"
"""


def missing(binary: str) -> str:
    """The first program that is not there; empty when all are."""
    wanted = (binary, _beside(binary), "conmon", "runc")
    return next((name for name in wanted if shutil.which(name) is None), "")


def _beside(binary: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(binary)), "pinns")


class Crio(Target):
    """CRI-O."""

    restartable = True
    fillable = False

    def __init__(
        self,
        base: Path,
        image: str,
        handler: str,
        registry: Registry,
        *,
        binary: str,
        plugins: str = PLUGIN_DIR,
        nftables: bool = False,
        events: bool = False,
    ) -> None:
        """`events`: it has GetContainerEvents, which it has not by default."""
        self._base = base / "o"
        self._base.mkdir()
        super().__init__("CRI-O", str(self._base / "o.sock"), image, handler)
        self._binary = os.path.abspath(binary)
        self._network = Network(self._base / "cni", NETWORK_NUMBER)
        if nftables:
            with_nftables(self._network)
        self.directory = self._base
        pause = busybox_image(entrypoint=["/bin/sleep", "2147483647"], cmd=[])
        self._write(handler, registry, registry.push(pause, "pause:1"), plugins, events)
        self._init = Init()
        self._daemon = 0
        self._covered: list[str] = []

    def _write(self, handler: str, registry: Registry, pause: str, plugins: str, events: bool) -> None:
        (self._base / "policy.json").write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        conmon = shutil.which("conmon")
        handlers = "".join(
            HANDLER.format(name=name, path=path, base=self._base, conmon=conmon)
            for name in ("runc", "crun")
            if (path := shutil.which(name))
        )
        self._config = self._base / "crio.conf"
        self._config.write_text(
            CONFIG.format(
                base=self._base,
                handler=handler or "runc",
                pinns=_beside(self._binary),
                pause=pause,
                registry=registry.host,
                conf_dir=self._network.conf_dir,
                plugins=plugins,
                events=str(events).lower(),
            )
            + handlers
        )

    def __enter__(self) -> Self:
        for path in COMPILED_IN:
            if not os.path.isdir(path):
                os.makedirs(path)
                self._covered.append(path)
            privacy.mount("tmpfs", path, "tmpfs", 0, "mode=0755")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._log.exists():
            print(f"---- CRI-O's log\n{self._log.read_text(errors='replace')[-4000:]}")
        super().__exit__(kind, error, trace)
        self._end(signal.SIGTERM)
        self._init.close()
        self._network.remove()
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            target = line.split()[4]
            if target.startswith(f"{self._base}/") or target in COMPILED_IN:
                privacy.unmount(target)
        for path in self._covered:
            os.rmdir(path)

    def start(self) -> None:
        """Start it without waiting."""
        empty = self._base / "conf.d"
        empty.mkdir(exist_ok=True)
        argv = [self._binary, "--config", str(self._config), "--config-dir", str(empty)]
        self._daemon = self._init.start(argv, dict(os.environ), self._log)

    def kill(self) -> None:
        """SIGKILL."""
        self.cri.close()
        self._end(signal.SIGKILL)

    @property
    def _log(self) -> Path:
        return self._base / "crio.log"

    def _end(self, number: signal.Signals) -> None:
        if self._daemon and self._init.ended(self._daemon) is None:
            os.kill(self._daemon, number)
            self._init.wait(self._daemon, 30)
        self._daemon = 0
