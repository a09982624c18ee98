"""Client of an OCI runtime's command line (runc, crun and their like).

create is conmon's (engine.monitor), exec is in `exec`; nothing here asks the runtime for what the kernel tells us.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from orlop.aio.process import CommandError, CommandTimeout, Finished, run
from orlop.engine.oci.failures import runtime_error
from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.starting import let_go
from orlop.model.errors import NotFound, TimedOut, Unavailable


@dataclass(frozen=True, kw_only=True)
class RuntimeVersion:
    """What `--version` says."""

    name: str
    version: str
    spec: str

    @property
    def release(self) -> tuple[int, ...]:
        """The version's leading numbers, for comparison: (1, 1, 5) of "1.1.5+ds1"."""
        numbers = re.match(r"\d+(\.\d+)*", self.version)
        return tuple(map(int, numbers[0].split("."))) if numbers else ()


@dataclass(frozen=True, kw_only=True)
class RuntimeFeatures:
    """What `features` says, or what the version implies where the command does not exist."""

    recursive_read_only_mounts: bool = False
    user_namespaces: bool = False
    """It can join one. Idmapped mounts are not its business: they are made before it is called."""
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OciRuntime:
    """One OCI runtime binary with its state directory."""

    name: str
    path: str
    root: str
    systemd_cgroup: bool = False
    time_limit: float = 60.0
    """Seconds that a command may take."""

    @property
    def global_args(self) -> tuple[str, ...]:
        """Arguments before the verb; conmon is given the same ones (CreateRequest.runtime_args).

        Without --systemd-cgroup: conmon adds it by itself when it is told to.
        """
        return (f"--root={self.root}", "--log-format=json")

    def command(self, *args: str, log: str = "") -> tuple[str, ...]:
        """The whole argv for a verb. log: a file for the runtime's own messages in place of stderr."""
        extra = (*((f"--log={log}",) if log else ()), *(("--systemd-cgroup",) if self.systemd_cgroup else ()))
        return (self.path, *self.global_args, *extra, *args)

    async def start(self, container_id: str) -> None:
        """Run the process of a created container; without a process of our own where that can be done (`starting`)."""
        if not await let_go(os.path.join(self.root, container_id)):
            await self._run(("start", container_id), f"start container {container_id}")

    async def kill(self, container_id: str, signal: int) -> None:
        """Send a signal to the first process."""
        await self._run(("kill", container_id, str(signal)), f"signal container {container_id}")

    async def delete(self, container_id: str, *, force: bool = False) -> None:
        """Remove the runtime's record and the cgroup; a container that is not there is fine."""
        flags = ("--force",) if force else ()
        try:
            await self._run(("delete", *flags, container_id), f"delete container {container_id}")
        except NotFound:
            pass  # the CRI wants removal to be idempotent

    async def update(self, container_id: str, resources: Spec) -> None:
        """Apply new limits (`resources.linux_resources`)."""
        body = msgspec.json.encode(resources)
        await self._run(("update", "--resources", "-", container_id), f"update container {container_id}", stdin=body)

    async def checkpoint(
        self, container_id: str, images: str, work: str, *, search_path: str, options: Sequence[str], time_limit: float
    ) -> None:
        """Dump a container's processes by CRIU, which is found in search_path; they live on.

        Raises TimedOut, and OrlopErrors with the runtime's words; CRIU's are in <work>/dump.log.
        """
        flags = ("--image-path", images, "--work-path", work, "--leave-running", "--file-locks", *options)
        doing = f"checkpoint container {container_id}"
        await self._run(("checkpoint", *flags, container_id), doing, search_path=search_path, time_limit=time_limit)

    async def version(self) -> RuntimeVersion:
        """Ask for the version."""
        output = (await self._run(("--version",), f"ask {self.name} for its version")).stdout.decode(errors="replace")
        first = re.match(r"(?P<name>\S+) version (?P<version>\S+)", output)
        if not first:
            raise Unavailable(f"{self.path} does not look like an OCI runtime: its version is {output[:80]!r}")
        spec = re.search(r"^spec: (\S+)", output, re.MULTILINE)
        return RuntimeVersion(name=first["name"], version=first["version"], spec=spec[1] if spec else "")

    async def features(self) -> RuntimeFeatures:
        """Ask for the features; an old runtime that cannot tell them is judged by its version."""
        try:
            finished = await run(self.command("features"), timeout=self.time_limit, check=False)
            told = msgspec.json.decode(finished.stdout, type=dict[str, Any]) if finished.returncode == 0 else None
        except (CommandError, OSError, msgspec.DecodeError):
            told = None
        return features_told(told) if told is not None else features_implied(await self.version())

    async def _run(
        self, args: Sequence[str], doing: str, *, stdin: bytes = b"", search_path: str = "", time_limit: float = 0
    ) -> Finished:
        limit = time_limit or self.time_limit
        env = {**os.environ, "PATH": search_path} if search_path else None
        try:
            return await run(self.command(*args), stdin=stdin, timeout=limit, env=env)
        except CommandTimeout as error:
            raise TimedOut(f"cannot {doing}: {self.name} did not end within {limit:g} s") from error
        except CommandError as error:
            raise runtime_error(doing, error.stderr.decode(errors="replace")) from error
        except OSError as error:
            raise Unavailable(f"cannot {doing}: {self.path}: {error.strerror}") from error


def features_told(told: dict[str, Any]) -> RuntimeFeatures:
    """From the JSON of `features` (runtime-spec features.md)."""
    linux = told.get("linux") or {}
    return RuntimeFeatures(
        recursive_read_only_mounts="rro" in (told.get("mountOptions") or ()),
        user_namespaces="user" in (linux.get("namespaces") or ()),
        raw=told,
    )


def features_implied(version: RuntimeVersion) -> RuntimeFeatures:
    """For runtimes without `features`: an old crun makes recursive read-only mounts, and joins user namespaces."""
    able = version.name == "crun" and version.release >= (1, 4)
    return RuntimeFeatures(recursive_read_only_mounts=able, user_namespaces=able)
