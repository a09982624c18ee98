#!/usr/bin/python
"""Looks in one round trip at a machine: what keeps it from being a node, and what it has of one already."""

from __future__ import annotations

DOCUMENTATION = r"""
module: suitability
short_description: Look at a machine before a run touches it
description:
  - Looks at swap, cgroups, ports, memory, processors, the host's name, its clock, and other container runtimes.
  - Changes nothing.
  - What a kubelet or kubeadm would stumble over is a problem; what a person should know is a warning.
  - What the machine has of a node already is told as well, so that roles need not ask for it again.
  - Ports are not looked at where the machine is a member already, for then they are its own.
options:
  member:
    description: Part in the cluster.
    type: str
    choices: [none, control_plane, worker]
    required: true
  swap_allowed:
    description: Whether the declaration lets the kubelet run with swap.
    type: bool
    default: false
  cgroup_v1_allowed:
    description: Whether the declaration lets the kubelet run with cgroup v1.
    type: bool
    default: false
  ports:
    description: TCP ports that must be free.
    type: list
    elements: int
    default: []
  kubernetes:
    description: Version of Kubernetes that the declaration gives; another one than a member runs is a problem.
    type: str
    default: ""
  upgrade:
    description: Whether the run is there to change that version.
    type: bool
    default: false
  python:
    description: The interpreter that the daemon is to have.
    type: path
    default: /usr/bin/python3
attributes:
  check_mode:
    support: full
author:
  - The orlop maintainers
"""

EXAMPLES = r"""
- name: Look at a future worker
  orlop.node.suitability:
    member: worker
    ports: [10250]
"""

RETURN = r"""
problems:
  description: Sentences that say what is wrong and what to do.
  returned: always
  type: list
  elements: str
warned:
  description: What does not keep the machine from being a member.
  returned: always
  type: list
  elements: str
cgroups:
  description: Whether cgroups are mounted at /sys/fs/cgroup.
  returned: always
  type: bool
python:
  description: Version of the interpreter, such as V(3.11); empty where it is missing.
  returned: always
  type: str
known:
  description: Parts with files, links, and packages that are there; a digest of the last declaration.
  returned: always
  type: dict
"""

import os
import re
import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.orlop.node.plugins.module_utils import distribution
from ansible_collections.orlop.node.plugins.module_utils.known import CGROUPS, cgroups, known, python
from ansible_collections.orlop.node.plugins.module_utils.record import read_text

MEMBERSHIP = "/etc/kubernetes/kubelet.conf"
LEAST_MEMORY = {"control_plane": 1700, "worker": 700}
"""MiB; kubeadm's own bound for a control plane."""
LEAST_PROCESSORS = {"control_plane": 2, "worker": 1}
OTHER_RUNTIMES = {
    "containerd": "/run/containerd/containerd.sock",
    "CRI-O": "/run/crio/crio.sock",
    "Docker": "/run/docker.sock",
}
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""One part of a DNS name, RFC 1123, as Node objects are named."""


def main():
    """Look, and tell."""
    module = AnsibleModule(
        argument_spec={
            "member": {"type": "str", "choices": ["none", "control_plane", "worker"], "required": True},
            "swap_allowed": {"type": "bool", "default": False},
            "cgroup_v1_allowed": {"type": "bool", "default": False},
            "ports": {"type": "list", "elements": "int", "default": []},
            "kubernetes": {"type": "str", "default": ""},
            "upgrade": {"type": "bool", "default": False},
            "python": {"type": "path", "default": "/usr/bin/python3"},
        },
        supports_check_mode=True,
    )
    member = module.params["member"]
    problems = []
    if member != "none":
        problems += size(member) + name(socket.gethostname())
        problems += [] if module.params["swap_allowed"] else swap()
        problems += [] if module.params["cgroup_v1_allowed"] else hierarchy()
        joined = os.path.exists(MEMBERSHIP)
        problems += [] if joined else ports(module.params["ports"])
        if joined and module.params["kubernetes"] and not module.params["upgrade"]:
            problems += change(running(module), module.params["kubernetes"])
    for warning in (told := runtimes() + clock()):
        module.warn(warning)
    try:
        found = {"cgroups": cgroups(), "python": python(module.params["python"]), "known": known()}
    except (OSError, ValueError, *distribution.ERRORS) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, problems=problems, warned=told, **found)


def swap(path="/proc/swaps"):
    """Swap in use: the kubelet does not start, unless it is told to."""
    devices = [line.split()[0] for line in (read_text(path) or "").splitlines()[1:] if line.strip()]
    if not devices:
        return []
    return [
        f"swap is on ({', '.join(devices)}), with which the kubelet does not start: turn it off (swapoff -a, and the"
        " lines of /etc/fstab), or allow it in the declaration as kubelet.failSwapOn: false"
    ]


def hierarchy(path=CGROUPS):
    """cgroup v1: the kubelet does not start, unless it is told to (from 1.35 on, the oldest that is known here)."""
    if os.path.exists(os.path.join(path, "cgroup.controllers")):
        return []
    return [
        "cgroups are of version 1, with which the kubelet does not start: boot with"
        " systemd.unified_cgroup_hierarchy=1, or allow it in the declaration as kubelet.failCgroupV1: false"
    ]


def size(member, path="/proc/meminfo", processors=None):
    """Memory and processors; kubeadm refuses less."""
    found = []
    words = (read_text(path) or "MemTotal: 0 kB").split()
    memory, count = int(words[words.index("MemTotal:") + 1]) // 1024, processors or os.cpu_count() or 1
    if memory < LEAST_MEMORY[member]:
        found.append(f"{memory} MiB of memory are too few for a {told(member)}: it needs {LEAST_MEMORY[member]}")
    if count < LEAST_PROCESSORS[member]:
        found.append(f"{count} processor is too few for a {told(member)}: it needs {LEAST_PROCESSORS[member]}")
    return found


def name(host):
    """A Node object is named after the host."""
    if all(LABEL.fullmatch(part) for part in host.split(".")):
        return []
    return [
        f"the host's name {host!r} cannot be the name of a Node (lower-case letters, digits, - and .): change it, or"
        " name the node in the declaration as member.node_name"
    ]


def ports(wanted):
    """Which of the ports something listens on already."""
    taken = [port for port in wanted if not is_free(port)]
    return [f"port {port} is taken: a member of a cluster needs it (ss -ltnp tells by whom)" for port in taken]


def is_free(port):
    """Whether a server could listen on it, on every address."""
    with socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def running(module, program="/usr/bin/kubelet"):
    """Version of the kubelet that a member has; empty where it cannot be asked."""
    if not os.path.exists(program):
        return ""
    code, output, _ = module.run_command([program, "--version"])
    return output.strip().rpartition(" v")[2] if code == 0 else ""


def change(present, declared):
    """A member's version is changed with its pods moved away, in the order that the cluster's parts need."""
    if not present or present == declared:
        return []
    return [
        f"this member of a cluster runs Kubernetes {present}, and the declaration says {declared} (kubernetes,"
        f" artefacts.kubelet.version): run playbooks/upgrade.yml, which asks first whether the"
        " cluster can take that step"
    ]


def runtimes(places=None):
    """Other runtimes: they do no harm, but kubeadm asks which one is meant."""
    places = OTHER_RUNTIMES if places is None else places
    found = sorted(runtime for runtime, path in places.items() if os.path.exists(path))
    return [f"{runtime} runs here too; the kubelet will use orlop" for runtime in found]


def clock(systemd="/run/systemd/system", mark="/run/systemd/timesync/synchronized"):
    """Certificates and leases need a clock that is right; only systemd's own time service leaves a mark."""
    others = ("/run/chrony", "/run/ntpd.pid", "/run/openntpd", "/dev/ptp0", "/dev/ptp_kvm")
    if not os.path.isdir(systemd) or os.path.exists(mark) or any(map(os.path.exists, others)):
        return []
    return ["nothing seems to set this machine's clock: install chrony or systemd-timesyncd"]


def told(member):
    """In a sentence."""
    return member.replace("_", " ")


if __name__ == "__main__":
    main()
