"""The files of a cluster's member: what the kubelet and kubeadm read. A node that is no member gets none."""

from typing import Any

from orlop.config.schema import Config
from orlop.node import yaml
from orlop.node.declaration import Declaration
from orlop.node.kubernetes.cluster import Alone, ControlPlane, Member
from orlop.node.kubernetes.kubeadm import init_documents, join_document
from orlop.node.kubernetes.kubelet_files import configuration
from orlop.node.kubernetes.runtime_class import runtime_classes
from orlop.node.rendered import Part, RenderedFile, from_template

KUBELET_DIRECTORY = "/etc/kubernetes/kubelet.conf.d"
"""The kubelet merges *.conf there over the file that kubeadm writes (--config-dir)."""
UNIT = "/etc/systemd/system/kubelet.service"
MARK = "# Written from the node's declaration. Changes here are lost.\n"


def files(declaration: Declaration, config: Config, *, kubelet: str) -> list[RenderedFile]:
    """All of them; `kubelet` is the program's place."""
    member = declaration.member
    if isinstance(member, Alone):
        return []
    drop_in = {"directory": KUBELET_DIRECTORY, "kubelet": kubelet}
    hardened = declaration.host.hardening.kubelet
    kubelet_configuration = configuration(declaration.kubelet, config, hardened=hardened)
    found = [
        from_template("kubelet.service", UNIT, "kubernetes", kubelet=kubelet),
        from_template("10-kubeadm.conf", f"{UNIT}.d/10-kubeadm.conf", "kubernetes", **drop_in),
        _yaml(f"{KUBELET_DIRECTORY}/10-orlop.conf", "kubernetes", kubelet_configuration),
    ]
    if _can_be_written(member):
        found.append(_kubeadm(declaration, member, config))
    if isinstance(member, ControlPlane):
        classes = runtime_classes(declaration.handlers, declaration.runtime_classes)
        found.append(_yaml("/etc/kubernetes/orlop/runtime-classes.yaml", "control_plane", *classes))
    return found


def _can_be_written(member: Member) -> bool:
    """A node that joins without a secret of its own gets one when it joins, which is nothing to keep in a file."""
    return bool(member.token or member.discovery_file) or (isinstance(member, ControlPlane) and member.first)


def _kubeadm(declaration: Declaration, member: Member, config: Config) -> RenderedFile:
    secret = bool(member.token or (isinstance(member, ControlPlane) and member.certificate_key))
    part: Part = "control_plane" if isinstance(member, ControlPlane) else "worker"
    if isinstance(member, ControlPlane) and member.first:
        name, documents = "init", init_documents(declaration, member, config)
    else:
        name, documents = "join", [join_document(declaration, member, config)]
    return _yaml(f"/etc/kubernetes/orlop/kubeadm-{name}.yaml", part, *documents, secret=secret)


def _yaml(path: str, part: Part, *documents: dict[str, Any], secret: bool = False) -> RenderedFile:
    text = MARK + yaml.dumps(*documents)
    return RenderedFile(path=path, mode="0600" if secret else "0644", content=text, part=part, secret=secret)
