"""Directories of OCI hooks (oci-hooks(5)): programs that the OCI runtime calls at stages of containers that match.

Files are read when a container is made, so they are always current; one that has not changed is not read again. A
file that cannot be used lets no container start: a hook may be what makes a node safe.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from orlop.engine.oci.inputs import Spec
from orlop.linux.files import read_bytes
from orlop.model.errors import FailedPrecondition

STAGES = frozenset(
    ("precreate", "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
)
FILE_LIMIT = 1 << 20

_Identity = tuple[int, int, int, int]


class _Program(msgspec.Struct, frozen=True, kw_only=True):
    """hook: as the runtime specification has it."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: Annotated[int, msgspec.Meta(ge=1)] | None = None


class _When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """when: every condition that is given must hold, and at least one must be given."""

    always: bool | None = None
    annotations: dict[str, str] = {}
    commands: tuple[str, ...] = ()
    has_bind_mounts: bool | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of version 1.0.0."""

    version: str
    hook: _Program
    when: _When
    stages: tuple[str, ...]


class _Hook(msgspec.Struct, frozen=True):
    file: _File
    annotations: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
    commands: tuple[re.Pattern[str], ...]

    def matches(self, annotations: Mapping[str, str], command: str, has_bind_mounts: bool) -> bool:
        """Whether a container is to have it."""
        when = self.file.when
        verdicts = [] if when.always is None else [when.always]
        if when.has_bind_mounts is not None:
            verdicts.append(when.has_bind_mounts and has_bind_mounts)
        verdicts += [
            any(key.search(name) and value.search(text) for name, text in annotations.items())
            for key, value in self.annotations
        ]
        if self.commands:
            verdicts.append(any(pattern.search(command) for pattern in self.commands))
        return bool(verdicts) and all(verdicts)


class HookDirectories:
    """Directories of *.json files; a file of a later one replaces that of the same name in an earlier one."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = tuple(paths)
        self._kept: dict[str, tuple[_Identity, _Hook]] = {}

    def inject(self, spec: Spec, annotations: Mapping[str, str], *, has_bind_mounts: bool) -> None:
        """Add the hooks that match to the specification, in the order of their files' names. Blocks.

        Raises FailedPrecondition naming a file that cannot be used.
        """
        files = {name: f"{directory}/{name}" for directory in self._paths for name in _names(directory)}
        for name in sorted(files):
            hook = self._load(files[name])
            if hook is not None and hook.matches(annotations, spec["process"]["args"][0], has_bind_mounts):
                for stage in hook.file.stages:
                    spec.setdefault("hooks", {}).setdefault(stage, []).append(_entry(hook.file.hook))
        for path in self._kept.keys() - files.values():
            del self._kept[path]

    def _load(self, path: str) -> _Hook | None:
        try:
            info = os.stat(path)
            identity = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)
            if path not in self._kept or self._kept[path][0] != identity:
                self._kept[path] = (identity, decode(read_bytes(path, limit=FILE_LIMIT)))
            return self._kept[path][1]
        except FileNotFoundError:
            return None  # removed meanwhile
        except (OSError, ValueError) as error:
            raise FailedPrecondition(f"OCI hook {path} cannot be used: {error}") from error


def decode(data: bytes) -> _Hook:
    """Decode and check one file. Raises ValueError."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if file.version != "1.0.0":
        raise ValueError(f"version {file.version[:40]!r} is not 1.0.0")
    if not file.hook.path.startswith("/") or "\0" in file.hook.path:
        raise ValueError(f"hook.path {file.hook.path[:300]!r} is not an absolute path")
    if not file.stages or (unknown := set(file.stages) - STAGES):
        raise ValueError(f"stages {sorted(unknown) if file.stages else []} are none of {', '.join(sorted(STAGES))}")
    if "precreate" in file.stages:
        raise ValueError("stage precreate, which changes a container's configuration, is not carried out")
    when = file.when
    try:
        annotations = tuple((re.compile(key), re.compile(value)) for key, value in when.annotations.items())
        return _Hook(file, annotations, tuple(re.compile(each) for each in when.commands))
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"when has a malformed regular expression: {error}") from error


def _entry(program: _Program) -> Spec:
    entry: Spec = {"path": program.path}
    optional = {"args": list(program.args), "env": list(program.env), "timeout": program.timeout}
    return entry | {key: value for key, value in optional.items() if value}


def _names(directory: str) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if name.endswith(".json") and not name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
