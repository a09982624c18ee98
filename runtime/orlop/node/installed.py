"""Which versions of programs a machine has and runs, beside those of its plan. Reads, and changes nothing."""

import os
import re
import subprocess
from collections.abc import Iterator

from orlop.node.artefacts import Fetch
from orlop.node.differences import Difference
from orlop.node.plan import Plan

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
KUBERNETES, PROGRAMS, RELEASES = "/opt/orlop/kubernetes", "/opt/orlop/programs", "/opt/orlop/releases"
"""Where the roles keep what they bring by digest, and releases of the daemon."""
ASKED = {"kubelet": ("--version",), "kubeadm": ("version", "-o", "short"), "kubectl": ("version", "--client")}
"""How Kubernetes' programs tell their version; asked where another than the roles has brought them."""
RUNNING = (("orlop.service", RELEASES, "/opt/orlop/venv"), ("kubelet.service", KUBERNETES, "/usr/bin/kubelet"))
"""Units, where their programs are kept, and the link to the one in use."""


def versions(plan: Plan, root: str, machine: str | None = None) -> Iterator[Difference]:
    """Programs that are brought by digest, each by its link; of Kubernetes' those that others have brought, too."""
    arch = ARCHITECTURES.get(machine or os.uname().machine, "")
    for group, store, links in (
        (plan.artefacts, KUBERNETES, "/usr/bin"),
        (plan.verified, PROGRAMS, "/usr/local/bin"),
        (plan.verified_plugins, PROGRAMS, "/opt/cni/bin"),
    ):
        for fetched in group.get(arch, []):
            yield from _version(fetched, store, f"{links}/{fetched.name}", root)


def _version(fetched: Fetch, store: str, link: str, root: str) -> Iterator[Difference]:
    place = os.path.join(root, link.lstrip("/"))
    kept = os.path.basename(os.readlink(place)) if os.path.islink(place) else ""
    if os.path.dirname(os.readlink(place) if kept else "") == store:
        found, declared = kept.removeprefix(f"{fetched.name}-"), fetched.version
        if fetched.sha256:
            declared = f"{declared}-{fetched.sha256[:12]}"
        same = found == declared or (not fetched.sha256 and found.startswith(f"{declared}-"))
    elif os.path.exists(place):
        declared, found = fetched.version, _told(fetched.name, place)
        same = found == declared
    else:
        # Kubernetes' programs may be left to others; where there is a store, they are not.
        declared, found = fetched.version, "missing"
        same = store == KUBERNETES and not os.path.isdir(os.path.join(root, store.lstrip("/")))
    if not same:
        yield Difference(kind="version", name=link, declared=declared, found=found)


def _told(name: str, path: str) -> str:
    """What the program says of itself; nothing else than Kubernetes' is run."""
    if name not in ASKED:
        return "not by the roles"
    try:
        done = subprocess.run(
            [path, *ASKED[name]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    told = re.search(r"\bv([0-9]+[.][0-9]+[.][0-9]+\S*)", done.stdout)
    return told[1] if told else "unknown"


def running() -> Iterator[Difference]:
    """Units whose process was started from another release or version than the one in use (systemd, proc(5))."""
    for unit, store, link in RUNNING:
        argv = ["systemctl", "show", unit, "--property=MainPID", "--value"]
        pid = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
        used = os.path.realpath(link)
        if pid in ("", "0") or not used.startswith(f"{store}/"):
            continue
        for name in sorted(started_from(_maps(pid), store) - {os.path.relpath(used, store).partition("/")[0]}):
            yield Difference(kind="version", name=f"{unit}, running", declared=os.path.basename(used), found=name)


def _maps(pid: str) -> str:
    """Empty where the process has gone meanwhile."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as opened:
            return opened.read()
    except OSError:
        return ""


def started_from(maps: str, store: str) -> set[str]:
    """Names in the store of which a process has files mapped (/proc/PID/maps), also where they are gone."""
    return set(re.findall(rf" {re.escape(store)}/([^/\s]+)", maps))
