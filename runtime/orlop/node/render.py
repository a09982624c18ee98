"""One pure function from a declaration to every file that a node gets. Writing and starting are the provisioner's.

Ansible and Nix both take their files from here, so the same declaration gives the same bytes on both.
"""

import json

import msgspec

from orlop.config.schema import Config
from orlop.node import hardening, host, settings, toml
from orlop.node.declaration import Bridge, Declaration
from orlop.node.kubernetes import files as kubernetes
from orlop.node.network import conflist
from orlop.node.networks import files as networks
from orlop.node.rendered import RenderedFile, from_template, template

PROGRAM = "/opt/orlop/venv/bin/orlopd"
KUBELET = "/usr/bin/kubelet"


def render(declaration: Declaration, *, program: str = PROGRAM, kubelet: str = KUBELET) -> list[RenderedFile]:
    """Every file of the node, in path order. Daemon and kubelet have other places in a Nix store."""
    config = settings.effective(declaration)
    files = [
        _daemon_file(declaration),
        from_template("crictl.yaml", "/etc/crictl.yaml", "daemon", socket=config.daemon.socket),
        from_template("orlop.service", "/etc/systemd/system/orlop.service", "daemon", program=program, config=config),
        from_template("modules.conf", "/etc/modules-load.d/orlop.conf", "host", modules=host.modules(declaration)),
        from_template("sysctl.conf", "/etc/sysctl.d/60-orlop.conf", "host", sysctls=host.sysctls(declaration)),
    ]
    if isinstance(declaration.network, Bridge):
        files.append(_network_file(declaration.network, config))
    files += networks.files(declaration, config)
    files += kubernetes.files(declaration, config, kubelet=kubelet)
    files += hardening.files(declaration.host.hardening)
    if declaration.host.hardening.private_files:
        files = [msgspec.structs.replace(file, mode="0600") for file in files]
    return sorted(files, key=lambda file: file.path)


def _daemon_file(declaration: Declaration) -> RenderedFile:
    document = settings.daemon_settings(declaration)
    secret = any(registry.get("password") for registry in document.get("registries", {}).values())
    text = template("orlop.toml").render(settings=toml.dumps(document))
    return RenderedFile(
        path="/etc/orlop/orlop.toml", mode="0600" if secret else "0644", content=text, part="daemon", secret=secret
    )


def _network_file(network: Bridge, config: Config) -> RenderedFile:
    # JSON has no comments, so this file alone cannot say who wrote it; its name does.
    text = json.dumps(conflist(network), indent=2) + "\n"
    return RenderedFile(path=f"{config.network.conf_dir.rstrip('/')}/10-orlop.conflist", content=text, part="network")
