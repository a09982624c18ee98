"""Capability arguments: what a plugin may ask of the runtime by name (CNI conventions). Pure."""

import re
from collections.abc import Sequence
from decimal import Decimal
from ipaddress import ip_interface
from typing import Any

from orlop.engine.cni.attachment import Attachment
from orlop.model.errors import InvalidArgument
from orlop.model.pod import PortMapping

INGRESS = "kubernetes.io/ingress-bandwidth"
EGRESS = "kubernetes.io/egress-bandwidth"
_BURST = (1 << 31) - 1
"""Bits. Kubernetes has no annotation for it; this is what its runtimes give."""
_LEAST, _MOST = 1000, 10**15
"""Bits per second, Kubernetes' own bounds."""
MAC = "cni.orlop/mac"
IPS = "cni.orlop/ips"
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_MOST_IPS = 16
_SCALES = {
    "m": Decimal("0.001"), "": Decimal(1), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "T": Decimal(10**12), "P": Decimal(10**15), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30),
    "Ti": Decimal(2**40), "Pi": Decimal(2**50),
}  # fmt: skip

Arguments = dict[str, Any]


def arguments_for(attachment: Attachment, pod_cidrs: Sequence[str] = (), *, addresses: bool = False) -> Arguments:
    """Everything we could tell a plugin about this pod, by capability. A plugin gets what its configuration lists.

    With `addresses` the pod's annotations may ask for a MAC and for IPs: whoever may make pods then chooses them.
    """
    arguments: Arguments = _addresses(attachment.annotations) if addresses else {}
    ports = [_port(mapping) for mapping in attachment.port_mappings if mapping.host_port]
    if ports:
        arguments["portMappings"] = ports
    bandwidth = _bandwidth(attachment.annotations)
    if bandwidth:
        arguments["bandwidth"] = bandwidth
    if attachment.dns:
        dns = attachment.dns
        arguments["dns"] = {"servers": dns.servers, "searches": dns.searches, "options": dns.options}
    if pod_cidrs:
        arguments["ipRanges"] = [[{"subnet": cidr}] for cidr in pod_cidrs]
    if attachment.cgroup_path:
        arguments["cgroupPath"] = attachment.cgroup_path
    if attachment.annotations:
        arguments["io.kubernetes.cri.pod-annotations"] = dict(attachment.annotations)
    return arguments


def _addresses(annotations: dict[str, str]) -> Arguments:
    """Capabilities "mac" and "ips". Raises InvalidArgument naming the annotation."""
    arguments: Arguments = {}
    if MAC in annotations:
        if not _MAC.fullmatch(annotations[MAC]):
            raise InvalidArgument(
                f"pod annotation {MAC}: {annotations[MAC][:80]!r} is not a MAC such as 0a:58:0a:00:00:05"
            )
        arguments["mac"] = annotations[MAC]
    if IPS in annotations:
        arguments["ips"] = _ips(annotations[IPS])
    return arguments


def _ips(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    try:
        if len(parts) > _MOST_IPS:
            raise ValueError(f"more than {_MOST_IPS} addresses")
        for part in parts:
            ip_interface(part)
    except ValueError as error:
        raise InvalidArgument(f"pod annotation {IPS}: {error}; wanted are addresses, separated by commas") from error
    return parts


def _port(mapping: PortMapping) -> dict[str, object]:
    port: dict[str, object] = {
        "hostPort": mapping.host_port,
        "containerPort": mapping.container_port,
        "protocol": mapping.protocol.name.lower(),
    }
    if mapping.host_ip:
        port["hostIP"] = mapping.host_ip
    return port


def _bandwidth(annotations: dict[str, str]) -> dict[str, int]:
    limits: dict[str, int] = {}
    for annotation, direction in ((INGRESS, "ingress"), (EGRESS, "egress")):
        if annotation in annotations:
            limits[f"{direction}Rate"] = bits_per_second(annotations[annotation], annotation)
            limits[f"{direction}Burst"] = _BURST
    return limits


def bits_per_second(text: str, annotation: str) -> int:
    """A Kubernetes quantity such as "10M" or "1Gi". Raises InvalidArgument naming the annotation."""
    number = text.rstrip("kKMGTPim")
    scale = _SCALES.get(text[len(number) :])
    try:
        value = Decimal(number) * scale if scale is not None and len(text) <= 32 else None
    except ArithmeticError:  # also numbers beyond any exponent
        value = None
    if value is None or not value.is_finite():
        raise InvalidArgument(f"pod annotation {annotation}: {text[:80]!r} is not a quantity such as 10M")
    if not _LEAST <= value <= _MOST:
        raise InvalidArgument(f"pod annotation {annotation}: {text!r} is not between 1k and 1P bits per second")
    return int(value)
