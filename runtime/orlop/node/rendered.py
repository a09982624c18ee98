"""A rendered file, and the templates that texts come from. Which files a node gets is in render."""

from functools import cache
from typing import Literal

import jinja2
import msgspec

Part = Literal["host", "hardening", "network", "daemon", "kubernetes", "control_plane", "worker"]
"""Who writes a file and who must be told of its change."""


class RenderedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it must be on the node, owned by root."""

    path: str
    mode: str = "0644"
    content: str
    part: Part
    secret: bool = False
    """The content must not be shown in a difference or a log."""


def from_template(name: str, path: str, part: Part, **values: object) -> RenderedFile:
    """The file that a template gives with these values."""
    return RenderedFile(path=path, content=template(name).render(values), part=part)


def template(name: str) -> jinja2.Template:
    """The template <name>.j2."""
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
