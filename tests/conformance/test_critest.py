"""The CRI's conformance suite, whole, with each OCI runtime; what does not run is in expected.toml, with reasons.

ORLOP_CRITEST=/path/of/critest ./test.sh conformance -k every_spec       another build of the suite
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import critest, debs, expected, images
from tests.conformance.built import require
from tests.harness.node import SHIM_RUNC, Node
from tests.parts.registry import Registry

HANDLERS = {
    "runc": [],
    "crun": [],
    "runc-new": ["-websocket-exec", "-websocket-attach", "-websocket-portforward"],
    "shim-runc": [],
}
"""Options for each: streams go over SPDY, and once over WebSocket."""

KEPT = debs.ROOT / ".cache" / "conformance"
"""Logs of the suite and of the daemon, when a run was not as expected."""

HOSTS = ("registry.k8s.io", "gcr.io", "k8s.gcr.io")
MIRROR = """
[[registry]]
location = "{host}"
[[registry.mirror]]
location = "{mirror}"
insecure = true
"""


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A registries.conf by which a registry on loopback stands in for upstream's: the suite's image names are fixed."""
    require("critest", "nonewprivs", "runc-new")
    directory = tmp_path_factory.mktemp("upstream")
    with Registry(directory / "registry") as registry:
        for name, image in images.made():
            registry.push(image, name.partition("/")[2])
        file = directory / "registries.conf"
        file.write_text("".join(MIRROR.format(host=host, mirror=registry.host) for host in HOSTS))
        yield file


@pytest.mark.timeout(2 * critest.TIME_LIMIT)
@pytest.mark.parametrize("handler", HANDLERS)
def test_every_spec(mirrored: Path, tmp_path: Path, handler: str) -> None:
    binary = Path(os.environ.get("ORLOP_CRITEST") or require("critest"))
    handlers = {"runc": {}, "crun": {}, "runc-new": {"path": str(require("runc-new"))}, "shim-runc": SHIM_RUNC}
    with Node() as node:
        nri = node.state_dir / "nri.sock"
        node.configure(
            {
                "images": {"registries_conf": str(mirrored)},
                "handlers": handlers,
                "nri": {"enabled": True, "socket": str(nri), "plugin_dir": str(tmp_path), "config_dir": str(tmp_path)},
            }
        )
        node.start()
        options = [f"--runtime-handler={handler}", f"--nri-socket={nri}", *HANDLERS[handler]]
        report = critest.run(binary, str(node.socket), tmp_path, *options, leave_out=expected.left_out())
        print(f"critest, {handler}: {report.summary()}")
        complaints = expected.complaints(report, handler, another_build="ORLOP_CRITEST" in os.environ)
        if complaints:
            KEPT.mkdir(exist_ok=True)
            for log in (tmp_path / "critest.log", node.daemon_log):
                shutil.copy(log, KEPT / f"{handler}-{log.name}")
    assert not complaints, "\n".join([*complaints, f"logs are in {KEPT}"])
