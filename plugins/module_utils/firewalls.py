"""Firewalls of a machine: which one there is, and firewalld's own command. Others are only looked at."""

from __future__ import annotations

import json
import shutil
import subprocess

TRUSTED = "trusted"
"""firewalld's zone in which everything is let in."""


class FirewallError(Exception):
    """firewall-cmd could not do it; the text holds its own words."""


def kind():
    """firewalld or ufw where it is active; nftables where a chain of its own drops what comes in; else empty."""
    if _answers(["firewall-cmd", "--state"], "running"):
        return "firewalld"
    if _answers(["ufw", "status"], "Status: active"):
        return "ufw"
    return "nftables" if _nftables_drops() else ""


def closed(wanted):
    """Those of the ports and networks that firewalld does not let in by its kept configuration."""
    let_in = {*_list(["--list-ports"]), *_list([f"--zone={TRUSTED}", "--list-sources"])} if wanted else set()
    return [each for each in wanted if each not in let_in]


def open_(wanted):
    """Let them in, now and after a reload."""
    _change(wanted, "add")


def close(known):
    """Take them back where firewalld is still there."""
    if known and shutil.which("firewall-cmd") and kind() == "firewalld":
        gone = closed(known)
        _change([each for each in known if each not in gone], "remove")


def _change(wanted, verb):
    ports = [f"--{verb}-port={each}" for each in wanted if _is_port(each)]
    networks = [f"--zone={TRUSTED}", *(f"--{verb}-source={each}" for each in wanted if not _is_port(each))]
    for options in (ports, networks if len(networks) > 1 else []):
        if options:
            _run(["--permanent", *options])
    if wanted:
        _run(["--reload"])


def _is_port(text):
    return text.endswith(("/tcp", "/udp"))


def _list(options):
    return _run(["--permanent", *options]).split()


def _run(options):
    done = subprocess.run(["firewall-cmd", *options], capture_output=True, text=True)
    if done.returncode != 0:
        raise FirewallError(f"firewall-cmd {' '.join(options)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _answers(argv, words):
    if not shutil.which(argv[0]):
        return False
    done = subprocess.run(argv, capture_output=True, text=True)
    return words in done.stdout


def _nftables_drops():
    """A base chain at the hook input whose policy is drop (nft(8), JSON output)."""
    if not shutil.which("nft"):
        return False
    done = subprocess.run(["nft", "--json", "list", "chains"], capture_output=True, text=True)
    if done.returncode != 0:
        return False
    chains = (each["chain"] for each in json.loads(done.stdout or "{}").get("nftables", []) if "chain" in each)
    return any(chain.get("hook") == "input" and chain.get("policy") == "drop" for chain in chains)
