"""Debian's containerd package as the peer that everyone has: started on the side, stopped and cleaned afterwards.

It gets the same OCI runtime binaries, the same plugins with a conflist of the same content (own bridge and subnet), the
same image from the same registry, and root, state and CNI directories of its own. What it has compiled in
(/run/containerd, /var/lib/cni) is covered by tmpfs in this run's mount namespace.
"""

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

PROGRAMS = ("containerd-shim-runc-v2", "runc")
NETWORK_NUMBER = 50
COMPILED_IN = ("/run/containerd", "/var/lib/cni")

CONFIG = """\
version = 2
root = "{base}/lib"
state = "{base}/run"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.opt"]
[grpc]
address = "{base}/c.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{conf_dir}"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"
"""
HANDLER = """\
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{name}.options]
BinaryName = "{path}"
"""


def missing(binary: str = "containerd") -> str:
    """The first program that is not there; empty when all are. The shim is looked for beside the binary first."""
    return next((name for name in (binary, *PROGRAMS) if shutil.which(name, path=_path(binary)) is None), "")


def _path(binary: str) -> str:
    beside = os.path.dirname(binary)
    return f"{beside}:{os.environ['PATH']}" if beside else os.environ["PATH"]


class Containerd(Target):
    """containerd with its CRI plugin."""

    restartable = True
    fillable = False

    def __init__(
        self,
        base: Path,
        image: str,
        handler: str,
        registry: Registry,
        *,
        binary: str = "containerd",
        plugins: str = PLUGIN_DIR,
        nftables: bool = False,
    ) -> None:
        """`binary` is another build, with its shim beside it."""
        self._base = base / "c"
        self._base.mkdir()
        super().__init__("containerd", str(self._base / "c.sock"), image, handler)
        self._binary = binary
        self._network = Network(self._base / "cni", NETWORK_NUMBER)
        if nftables:
            with_nftables(self._network)
        self.directory = self._base
        # containerd needs a pause container for every pod; busybox sleeping does what the pause image does.
        pause = busybox_image(entrypoint=["/bin/sleep", "2147483647"], cmd=[])
        handlers = "".join(
            HANDLER.format(name=name, path=path) for name in ("runc", "crun") if (path := shutil.which(name))
        )
        self._config = self._base / "config.toml"
        self._config.write_text(
            CONFIG.format(
                base=self._base,
                pause=registry.push(pause, "pause:1"),
                plugins=plugins,
                conf_dir=self._network.conf_dir,
            )
            + handlers
        )
        self._init = Init()
        self._daemon = 0
        self._covered: list[str] = []

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
            print(f"---- containerd's log\n{self._log.read_text(errors='replace')[-4000:]}")
        super().__exit__(kind, error, trace)
        self._end(signal.SIGTERM)
        self._init.close()
        self._network.remove()
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            target = line.split()[4]
            if target.startswith((f"{self._base}/", "/run/netns/cni-")) or target in COMPILED_IN:
                privacy.unmount(target)
        for path in self._covered:
            os.rmdir(path)

    def start(self) -> None:
        """Start it without waiting."""
        self._daemon = self._init.start(
            [self._binary, "--config", str(self._config)], {**os.environ, "PATH": _path(self._binary)}, self._log
        )

    def kill(self) -> None:
        """SIGKILL."""
        self.cri.close()
        self._end(signal.SIGKILL)

    @property
    def _log(self) -> Path:
        return self._base / "containerd.log"

    def _end(self, number: signal.Signals) -> None:
        if self._daemon and self._init.ended(self._daemon) is None:
            os.kill(self._daemon, number)
            self._init.wait(self._daemon, 30)
        self._daemon = 0
