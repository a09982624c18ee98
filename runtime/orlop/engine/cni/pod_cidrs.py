"""The node's pod CIDRs, as the kubelet tells them: remembered over restarts, and filled into a network's template.

The kubelet tells them once (UpdateRuntimeConfig) and not again when the daemon alone is restarted, so they are kept in
a file beside the rest of the volatile state. With a template the network's file is written as soon as they are known.
"""

import ipaddress
import logging
from collections.abc import Sequence
from typing import Any

from orlop.engine.cni.conflist import SIZE_LIMIT, BadConfig, parse
from orlop.linux.files import read_bytes, read_text_or, write_atomic
from orlop.model.errors import FailedPrecondition, InvalidArgument

log = logging.getLogger(__name__)

FILE = "10-orlop-pod-cidr.conflist"
"""Name of the network's file that is made from the template."""
_MOST = 16


class PodCidrs:
    """What is known, and the network that follows from it. Methods block for a moment on the disk."""

    def __init__(self, *, memory: str = "", template: str = "", conf_dir: str = "") -> None:
        """`memory`: file that keeps the CIDRs; `template`: file to fill; empty: none of them."""
        self._memory = memory
        self._template = template
        self._path = f"{conf_dir}/{FILE}"
        self.known: tuple[str, ...] = ()
        self.complaint = "no pod CIDR yet: network.conf_template waits for the kubelet to tell it" if template else ""
        """Why there is no network of the template; empty: there is one, or none is wanted."""

    def recall(self) -> None:
        """At the daemon's start: what the kubelet told an earlier one, and the template as it is now."""
        text = read_text_or(self._memory, "") if self._memory else ""
        try:
            self.known = _parsed(text) if text.strip() else ()
            if self.known:
                self._write_network()
        except (InvalidArgument, FailedPrecondition) as error:
            log.warning("pod CIDR from %s: %s", self._memory, error)

    def take(self, text: str) -> None:
        """CIDRs separated by commas. Raises InvalidArgument, or FailedPrecondition naming the template's mistake."""
        self.known = _parsed(text)
        if self._memory:
            write_atomic(self._memory, ",".join(self.known) + "\n")
        self._write_network()

    def _write_network(self) -> None:
        if not self._template:
            return
        try:
            content = fill(self._template, self.known)
            parse(content, f"made from {self._template}")
            self._put(content)
        except (BadConfig, FailedPrecondition) as error:
            self.complaint = str(error)
            raise FailedPrecondition(self.complaint) from error
        self.complaint = ""

    def _put(self, content: bytes) -> None:
        try:
            if _content(self._path) != content:
                write_atomic(self._path, content)
                log.info("pod network for %s written to %s", ", ".join(self.known), self._path)
        except OSError as error:
            raise FailedPrecondition(f"network.conf_template: cannot write {self._path}: {error.strerror}") from error


def _content(path: str) -> bytes:
    try:
        return read_bytes(path, limit=SIZE_LIMIT)
    except OSError:
        return b""


def _parsed(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > _MOST:
        raise InvalidArgument(f"{len(parts)} pod CIDRs are more than {_MOST}")
    try:
        return tuple(str(ipaddress.ip_network(part)) for part in parts)
    except ValueError as error:
        raise InvalidArgument(f"pod CIDR: {error}") from error


def fill(path: str, cidrs: Sequence[str]) -> bytes:
    """The template with these CIDRs. Raises FailedPrecondition naming the file, and the line of a mistake in it.

    It is Jinja: `pod_cidr` (the first), `pod_cidrs`, `ranges` (as host-local wants them) and `routes` (a default route
    for each family), to be written as `{{ ranges | tojson }}`.
    """
    import jinja2  # only few nodes have a template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    try:
        text = read_bytes(path, limit=SIZE_LIMIT).decode()
        return environment.from_string(text).render(_variables(cidrs)).encode()
    except OSError as error:
        raise FailedPrecondition(f"network.conf_template {path}: {error.strerror}") from error
    except jinja2.TemplateSyntaxError as error:
        raise FailedPrecondition(f"network.conf_template {path}, line {error.lineno}: {error.message}") from error
    except (jinja2.TemplateError, UnicodeDecodeError, TypeError, ValueError, ArithmeticError) as error:
        raise FailedPrecondition(f"network.conf_template {path}: {error}") from error


def _variables(cidrs: Sequence[str]) -> dict[str, Any]:
    versions = dict.fromkeys(ipaddress.ip_network(cidr).version for cidr in cidrs)
    return {
        "pod_cidr": cidrs[0],
        "pod_cidrs": list(cidrs),
        "ranges": [[{"subnet": cidr}] for cidr in cidrs],
        "routes": [{"dst": "0.0.0.0/0" if version == 4 else "::/0"} for version in versions],
    }
