"""One pure function from a declaration to every file that a node gets. Writing and starting are the provisioner's.

Ansible and Nix both take their files from here, so the same declaration gives the same bytes on both.
"""

import json
from functools import cache
from typing import Literal

import jinja2
import msgspec

from orlop.config.schema import Config
from orlop.node import host, settings, toml
from orlop.node.declaration import Bridge, Declaration
from orlop.node.network import conflist

Part = Literal["host", "network", "daemon"]
"""Who writes a file and who must be told of its change."""

PROGRAM = "/opt/orlop/venv/bin/orlopd"


class RenderedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it must be on the node, owned by root."""

    path: str
    mode: str = "0644"
    content: str
    part: Part
    secret: bool = False
    """The content must not be shown in a difference or a log."""


def render(declaration: Declaration, *, program: str = PROGRAM) -> list[RenderedFile]:
    """Every file of the node, in path order. `program` is the daemon's place, which differs in a Nix store."""
    config = settings.effective(declaration)
    files = [
        _daemon_file(declaration),
        _from_template("crictl.yaml", "/etc/crictl.yaml", "daemon", socket=config.daemon.socket),
        _from_template("orlop.service", "/etc/systemd/system/orlop.service", "daemon", program=program, config=config),
        _from_template("modules.conf", "/etc/modules-load.d/orlop.conf", "host", modules=host.modules(declaration)),
        _from_template("sysctl.conf", "/etc/sysctl.d/60-orlop.conf", "host", sysctls=host.sysctls(declaration)),
    ]
    if isinstance(declaration.network, Bridge):
        files.append(_network_file(declaration.network, config))
    return sorted(files, key=lambda file: file.path)


def _daemon_file(declaration: Declaration) -> RenderedFile:
    document = settings.daemon_settings(declaration)
    secret = any(registry.get("password") for registry in document.get("registries", {}).values())
    text = _template("orlop.toml").render(settings=toml.dumps(document))
    return RenderedFile(
        path="/etc/orlop/orlop.toml", mode="0600" if secret else "0644", content=text, part="daemon", secret=secret
    )


def _network_file(network: Bridge, config: Config) -> RenderedFile:
    # JSON has no comments, so this file alone cannot say who wrote it; its name does.
    text = json.dumps(conflist(network), indent=2) + "\n"
    return RenderedFile(path=f"{config.network.conf_dir.rstrip('/')}/10-orlop.conflist", content=text, part="network")


def _from_template(name: str, path: str, part: Part, **values: object) -> RenderedFile:
    return RenderedFile(path=path, content=_template(name).render(values), part=part)


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(f"{name}.j2")


@cache
def _environment() -> jinja2.Environment:
    """Undefined names are errors; nothing is escaped, for none of the files is HTML."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("orlop.node"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
