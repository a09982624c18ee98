"""The pod network of all targets, for reference plugins that write nftables rules (1.6 and later)."""

import json

from tests.harness.network import Network


def with_nftables(network: Network) -> None:
    """Rewrite a network's conflist so that masquerading and port mappings are nftables rules."""
    conflist = json.loads(network.file.read_text())
    for plugin in conflist["plugins"]:
        if plugin["type"] == "bridge":
            plugin["ipMasqBackend"] = "nftables"
        elif plugin["type"] == "portmap":
            plugin["backend"] = "nftables"
    network.write(conflist)
