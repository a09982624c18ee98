"""The result cache on disk, in libcni's layout, so that other tools read ours and we read theirs.

One file for each attachment: <directory>/results/<network>-<pod id>-<interface>. We write it, without a result, before
the first plugin runs: whoever finds it after a crash or a reboot knows that a DEL is owed, and by which configuration.
It goes when DEL has worked. Ours carry the key "runtime"; libcni ignores it.
"""

import base64
import binascii
import logging
import os
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from orlop.engine.cni.request import Request
from orlop.linux.files import ensure_dir, read_bytes, remove_file, write_atomic

log = logging.getLogger(__name__)

KIND = "cniCacheV1"
RUNTIME = "orlop"
_SIZE_LIMIT = 4 << 20


_NOTHING = msgspec.Raw(b"null")


class _File(msgspec.Struct, rename="camel", omit_defaults=True):
    """The file's JSON."""

    kind: str = ""
    container_id: str = ""
    config: str = ""
    if_name: str = ""
    network_name: str = ""
    netns: str = ""
    cni_args: list[tuple[str, str]] | None = None
    capability_args: dict[str, Any] | None = None
    result: msgspec.Raw = _NOTHING
    runtime: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An attachment on record."""

    network: str
    request: Request
    config: bytes
    """The network configuration it was made by; empty: the file is damaged."""
    result: bytes | None = None
    """What ADD gave; None: it had not come to its end."""
    ours: bool = True

    @property
    def file_name(self) -> str:
        """Name of the file."""
        return f"{self.network}-{self.request.pod_id}-{self.request.ifname}"

    def with_result(self, result: bytes) -> "Entry":
        """The same attachment after its ADD."""
        return replace(self, result=result)


class ResultCache:
    """The directory. All methods block for a moment on the disk."""

    def __init__(self, directory: str) -> None:
        self._results = f"{directory}/results"

    def path(self, entry: Entry) -> str:
        """The file of an entry, for messages."""
        return f"{self._results}/{entry.file_name}"

    def write(self, entry: Entry) -> None:
        """Put an attachment on record, or renew it."""
        ensure_dir(self._results, 0o700)
        request = entry.request
        content = _File(
            kind=KIND,
            container_id=request.pod_id,
            config=base64.b64encode(entry.config).decode(),
            if_name=request.ifname,
            network_name=entry.network,
            netns=request.netns,
            cni_args=list(request.args),
            capability_args=request.capabilities or None,
            result=_NOTHING if entry.result is None else msgspec.Raw(entry.result),
            runtime=RUNTIME,
        )
        write_atomic(self.path(entry), msgspec.json.encode(content), 0o600)

    def drop(self, entry: Entry) -> None:
        """Take an attachment off the record; not there is fine."""
        remove_file(self.path(entry))

    def find(self, pod_id: str, ifname: str) -> list[Entry]:
        """All records of a pod's interface: several when the network changed between two tries."""
        tail = f"-{pod_id}-{ifname}"
        names = [name for name in self._names() if name.endswith(tail) and len(name) > len(tail)]
        return [
            self._read(name) or _damaged(name.removesuffix(tail), pod_id, ifname)
            for name in names
        ]  # fmt: skip

    def all(self) -> list[Entry]:
        """Everything that is readable, other runtimes' records too."""
        return [entry for name in self._names() if (entry := self._read(name)) is not None]

    def _names(self) -> list[str]:
        try:
            # Names with a leading dot are files that are being written.
            return sorted(name for name in os.listdir(self._results) if not name.startswith("."))
        except FileNotFoundError:
            return []

    def _read(self, name: str) -> Entry | None:
        path = f"{self._results}/{name}"
        try:
            file = msgspec.json.decode(read_bytes(path, limit=_SIZE_LIMIT), type=_File)
            config = base64.b64decode(file.config, validate=True)
        except (OSError, msgspec.DecodeError, RecursionError, binascii.Error, ValueError) as error:
            log.warning("CNI result cache: %s is unreadable: %s", path, error)
            return None
        entry = _entry(file, config)
        # The file's name decides what gets removed later: it must be that of its content.
        if file.kind != KIND or entry.file_name != name:
            log.warning("CNI result cache: %s is not what its name says", path)
            return None
        return entry


def _entry(file: _File, config: bytes) -> Entry:
    args = tuple(file.cni_args or ())
    named = dict(args)
    pod = f"{named.get('K8S_POD_NAMESPACE', '')}/{named.get('K8S_POD_NAME', '')}"
    request = Request(
        pod_id=file.container_id,
        ifname=file.if_name,
        netns=file.netns,
        args=args,
        capabilities=file.capability_args or {},
        pod=pod if pod != "/" else file.container_id[:12],
    )
    result = None if file.result == _NOTHING else bytes(file.result)
    return Entry(network=file.network_name, request=request, config=config, result=result, ours=file.runtime == RUNTIME)


def _damaged(network: str, pod_id: str, ifname: str) -> Entry:
    """A power loss may leave an empty file: its name alone says that a DEL is owed."""
    request = Request(pod_id=pod_id, ifname=ifname, netns="", args=(), capabilities={}, pod=pod_id[:12])
    return Entry(network=network, request=request, config=b"")
