"""What a network has left in the kernel, read by ip, nft and as files, in a form that can be compared."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

LIMIT = 60.0
BRIDGE = "otip"


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


NOT_COMPARED = {"ifindex", "link_index", "link_netnsid", "handle", "index"}
"""Numbers that the kernel counts up; names that end in _timer are left out too."""


def normal(value: Any) -> Any:
    """Without what is random or counted."""
    if isinstance(value, dict):
        kept = {key: each for key, each in sorted(value.items()) if key not in NOT_COMPARED}
        return {key: normal(each) for key, each in kept.items() if not key.endswith("_timer")}
    if isinstance(value, list):
        return [normal(each) for each in value]
    if isinstance(value, str):
        return re.sub(r"\b([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}\b", "MAC", re.sub(r"\bveth[0-9a-f]{8}\b", "vethX", value))
    return value


def flat(value: Any, name: str = "") -> list[str]:
    """A line for each single value, for a difference that can be read."""
    if isinstance(value, dict):
        return [line for key in value for line in flat(value[key], f"{name}.{key}")]
    if isinstance(value, list | tuple):
        return [line for number, each in enumerate(value) for line in flat(each, f"{name}.{number}")]
    return [f"{name} = {line}" for line in str(value).splitlines()] or [f"{name} ="]


def shown(*command: str) -> Any:
    return normal(json.loads(said(*command) or "[]"))


def links() -> Any:
    """Interfaces with all details that iproute2 knows, their addresses and routes, in the current namespace."""
    deadline = time.monotonic() + LIMIT
    while '"tentative":true' in said("ip", "-j", "addr"):
        assert time.monotonic() < deadline, "addresses stay tentative"
        time.sleep(0.02)
    found = [each for each in shown("ip", "-j", "-d", "addr") if each["ifname"] != "lo"]
    for each in found:  # link-local addresses are made of the MAC
        each["addr_info"] = [address for address in each.get("addr_info", ()) if address["scope"] == "global"]
    return found, shown("ip", "-j", "-4", "route", "show", "table", "all"), six_routes()


def six_routes() -> Any:
    """Without those of link-local addresses and multicast, which come when the kernel is done with them."""
    found = shown("ip", "-j", "-6", "route", "show", "table", "all")
    return [each for each in found if not each["dst"].startswith(("fe80:", "ff00:"))]


def carrier(expected: str) -> None:
    """Wait until the kernel has noticed what the bridge's ports do."""
    deadline = time.monotonic() + LIMIT
    while json.loads(said("ip", "-j", "link", "show", BRIDGE))[0]["operstate"] != expected:
        assert time.monotonic() < deadline, f"{BRIDGE} is not {expected}"
        time.sleep(0.02)


def settings(*names: str) -> dict[str, str]:
    return {name: Path("/proc/sys/net", name).read_text().strip() for name in names}


def veths() -> list[str]:
    names = [each["ifname"] for each in json.loads(said("ip", "-j", "link"))]
    return [name for name in names if name.startswith("veth")]


def rules() -> tuple[Any, str]:
    """As nft shows them, and as the kernel's expressions."""
    # The binaries always look for iptables rules too, whose tool then makes these tables.
    for version in ("ip", "ip6"):
        subprocess.run(["nft", "delete", "table", version, "nat"], check=False, capture_output=True)
    raw = said("nft", "--debug=netlink", "list", "ruleset")
    return shown("nft", "-j", "list", "ruleset"), re.sub(r"\b\d+ \d+$", "", raw, flags=re.MULTILINE)
