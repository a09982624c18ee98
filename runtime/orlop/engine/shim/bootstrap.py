"""A shim's birth: its binary's `start` and `delete`, and the address that `start` answers with.

    containerd-shim-x-v2 -namespace k8s.io -address … -publish-binary … -id <id> start      cwd: the bundle

It is called for a pod's first container alone; the others are joined to that one's shim by its address, as containerd 2
does. `start` could find it too (it groups by the sandbox-id annotation of config.json), but gives it 100 ms to answer
and then removes its socket: on a busy machine nobody would ever reach that pod again. Its answer is an address in one
line, or JSON (version 2 and 3):

    {"version": 3, "address": "unix:///run/…", "protocol": "ttrpc"}

Options go to its stdin as a protobuf Any, as containerd up to 2.2 does; later shims take that too (runtime-v2.md).
"""

import os

import msgspec

from orlop.aio.process import CommandError, CommandTimeout, run
from orlop.linux.files import read_bytes, write_atomic
from orlop.model.errors import FailedPrecondition, OrlopError, TimedOut, Unavailable, Unsupported

NAMESPACE = "k8s.io"
"""As containerd's CRI names its own; shims keep their state below it."""
NEWEST = 3
"""Version of the task service that we speak; 2 has the same messages."""
ANSWER_LIMIT = 64 << 10
FILE = "shim.json"
"""In the bundle: where the container's shim is reached, for the daemon's next life."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Bootstrap(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how a shim is reached."""

    address: str
    version: int = 2
    protocol: str = "ttrpc"

    @property
    def service(self) -> str:
        """Full name of the task service."""
        return f"containerd.task.v{self.version}.Task"

    @property
    def socket(self) -> str:
        """For connect(2): a path, or a name in the abstract namespace, which begins with a zero byte."""
        path = self.address.removeprefix("unix://")
        return "\0" + path[1:] if path.startswith("@") else path


def parse_answer(output: bytes) -> Bootstrap:
    """What `start` wrote. Raises Unsupported where we cannot speak to that shim."""
    text = output[:ANSWER_LIMIT].decode(errors="replace").strip("\r\n\t ")
    try:
        answer = msgspec.json.decode(text, type=Bootstrap) if text.startswith("{") else Bootstrap(address=text)
    except msgspec.DecodeError as error:
        raise Unsupported(f"the shim's start answered {text[:200]!r}: {error}") from error
    if answer.protocol != "ttrpc":
        raise Unsupported(f"the shim speaks {answer.protocol!r} at {answer.address!r}; only ttrpc is spoken here")
    if answer.version not in (2, NEWEST):
        raise Unsupported(f"the shim speaks version {answer.version} of the task service; 2 and {NEWEST} are known")
    path = answer.socket
    # An abstract name of containerd before 1.4 has the zero byte itself.
    if not path.startswith(("/", "\0")) or "\0" in path[1:] or "\n" in path:
        raise Unsupported(f"the shim's address {answer.address[:200]!r} is not that of a unix socket")
    return answer


class ShimBinary(msgspec.Struct, frozen=True, kw_only=True):
    """A shim's program, and where our own endpoint for its events is."""

    path: str
    events: str
    """Path of the socket; as `-address` it also keeps apart the shims of two daemons."""
    time_limit: float = 60.0

    async def start(self, container_id: str, bundle: str, options: bytes) -> Bootstrap:
        """Have a shim for the container of a bundle, a new one or its pod's. The answer is in the bundle's FILE too."""
        output = await self._run(("-id", container_id, "start"), container_id, bundle, options)
        answer = parse_answer(output)
        write_bootstrap(bundle, answer)
        return answer

    async def delete(self, container_id: str, bundle: str) -> None:
        """Remove what a shim that has died left of a container: its OCI runtime's record, its mounts."""
        await self._run(("-id", container_id, "-bundle", bundle, "delete"), container_id, bundle, b"")

    async def _run(self, verb: tuple[str, ...], container_id: str, bundle: str, stdin: bytes) -> bytes:
        doing = f"{os.path.basename(self.path)} {verb[-1]} for container {container_id}"
        flags = ("-namespace", NAMESPACE, "-address", self.events, "-publish-binary", "/bin/true")
        env = {
            "PATH": PATH,
            "TTRPC_ADDRESS": self.events,
            "GRPC_ADDRESS": self.events,
            "NAMESPACE": NAMESPACE,
            "MAX_SHIM_VERSION": str(NEWEST),
        }
        try:
            done = await run((self.path, *flags, *verb), stdin=stdin, env=env, cwd=bundle, timeout=self.time_limit)
        except CommandTimeout as error:
            raise TimedOut(f"{doing} did not end within {self.time_limit:g} s") from error
        except CommandError as error:
            words = error.reason or " ".join((error.stderr or error.stdout).decode(errors="replace").split())
            raise OrlopError(f"{doing} failed: {words[-500:] or error}") from error
        except FileNotFoundError as error:
            raise FailedPrecondition(f"{doing}: {self.path} is not there any more: install it again") from error
        except OSError as error:
            raise Unavailable(f"{doing}: {error}") from error
        return done.stdout


def write_bootstrap(bundle: str, bootstrap: Bootstrap) -> None:
    """Put down where the bundle's shim is reached."""
    write_atomic(os.path.join(bundle, FILE), msgspec.json.encode(bootstrap), 0o600)


def read_bootstrap(bundle: str) -> Bootstrap | None:
    """Where the bundle's shim is reached; None where none was ever started, or nothing is left of it."""
    try:
        return msgspec.json.decode(read_bytes(os.path.join(bundle, FILE)), type=Bootstrap)
    except FileNotFoundError:
        pass  # the daemon may have died before it wrote the file: runc's shim writes one of its own
    except msgspec.DecodeError:
        return None
    try:
        return parse_answer(read_bytes(os.path.join(bundle, "address"), limit=ANSWER_LIMIT))
    except (OSError, OrlopError):
        return None
