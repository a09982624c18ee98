"""A pod network for one node under test: Debian's bridge, host-local and portmap plugins, with state of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

PLUGIN_DIR = "/usr/lib/cni"


class Network:
    """A conflist, and the names that its plugins leave in the kernel and on disk."""

    def __init__(self, directory: Path, number: int) -> None:
        self.conf_dir = directory / "net.d"
        self.cache_dir = directory / "cache"
        self.lease_dir = directory / "leases"
        self.bridge = f"ot{number}"
        # The run makes many networks, but only a few that are there at the same time.
        self.subnet = f"10.{100 + number % 140}.0.0/16"
        self.file = self.conf_dir / "10-test.conflist"
        self.conf_dir.mkdir(parents=True)
        self.write(self.conflist())

    def conflist(self, **changes: Any) -> dict[str, Any]:
        """The network; keywords replace its top-level keys."""
        bridge = {
            "type": "bridge",
            "bridge": self.bridge,
            "isGateway": True,
            "ipMasq": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": self.subnet}]],
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(self.lease_dir),
            },
        }
        portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"cniVersion": "1.0.0", "name": f"test{self.bridge}", "plugins": [bridge, portmap], **changes}

    def write(self, content: dict[str, Any] | str) -> None:
        """Put a conflist in place by rename, as an installer does."""
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        new = self.conf_dir / ".new"
        new.write_text(text)
        new.rename(self.file)

    def leases(self) -> set[str]:
        """Addresses that host-local has given away."""
        return {path.name for path in self.lease_dir.rglob("*") if path.name[:1].isdigit()}

    def remove(self) -> None:
        """Take away what the plugins keep for good: the bridge."""
        subprocess.run(["ip", "link", "del", self.bridge], check=False, capture_output=True)
