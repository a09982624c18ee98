"""The script of a play with faked parts: what is asked of them, in order, and which of it fails or has to wait.

A call is named "<part>.<verb>". The fake OCI runtime is a program and writes its calls into the same file, so there is
one order of all.
"""

import asyncio
import shlex
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 10.0
"""Seconds after which something that was to happen has not."""


async def until(what: Callable[[], object]) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.002)


class Gate:
    """A closed gate before a call."""

    def __init__(self, path: Path) -> None:
        self._closed = path
        self._came = path.with_suffix(".came")
        path.touch()

    async def reached(self) -> None:
        """Wait until the call stands before it."""
        await until(self._came.exists)

    def opens(self) -> None:
        """Let the call go on, and every later one."""
        self._closed.unlink()

    async def passed(self) -> None:
        """The call itself waits here."""
        self._came.touch()
        await until(lambda: not self._closed.exists())


class Story:
    """Calls so far, and orders for those to come."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._calls = home / "calls"
        self._calls.touch()
        self._errors: dict[str, list[BaseException | None]] = {}
        self._gates: dict[str, Gate] = {}

    def fails(self, call: str, error: BaseException, *, times: int = 1000) -> None:
        """The next calls raise this."""
        self._errors[call] = [error] * times

    def works(self, call: str) -> None:
        """Calls work again."""
        self._errors.pop(call, None)

    def holds(self, call: str) -> Gate:
        """The call has to wait at a gate."""
        gate = self._gates[call] = Gate(self.home / f"{call}.gate")
        return gate

    def ask(self, call: str, about: str = "") -> None:
        """A part is asked; it may fail."""
        with self._calls.open("a") as file:
            file.write(f"{call} {about}\n")
        if errors := self._errors.get(call):
            error = errors.pop()
            assert error is not None
            raise error

    async def ask_and_wait(self, call: str, about: str = "") -> None:
        """A part is asked; it may have to wait, and it may fail."""
        if call in self._gates:
            await self._gates[call].passed()
        self.ask(call, about)

    def order(self, *parts: str) -> list[str]:
        """Names of the calls so far, of these parts only where some are named."""
        calls = [line.split()[0] for line in self._lines()]
        return [call for call in calls if not parts or call.partition(".")[0] in parts]

    def asked(self, call: str) -> list[str]:
        """What each call of this name was about."""
        return [line.partition(" ")[2] for line in self._lines() if line.split()[0] == call]

    def _lines(self) -> list[str]:
        return self._calls.read_text().splitlines()

    def forget(self) -> None:
        """Begin the list of calls anew."""
        self._calls.write_text("")


_RUNTIME = """#!/bin/sh
home={home}
root=${{1#--root=}}
shift 2
if [ "$1" = --systemd-cgroup ]; then shift; fi
verb=$1
for id; do :; done
if [ -e "$home/runtime.$verb.gate" ]; then
    : > "$home/runtime.$verb.came"
    while [ -e "$home/runtime.$verb.gate" ]; do sleep 0.01; done
fi
echo "runtime.$verb $id" >> "$home/calls"
if [ -e "$home/runtime.$verb.fails" ]; then cat "$home/runtime.$verb.fails" >&2; exit 1; fi
case $verb in
start)
    if ! rm "$root/$id/exec.fifo" 2>/dev/null; then
        echo "cannot start a container that has stopped: exec.fifo" >&2
        exit 1
    fi ;;
update)
    cat > "$home/resources" ;;
delete)
    if [ -e "$root/$id/pid" ]; then kill -9 "$(cat "$root/$id/pid")" 2>/dev/null; fi
    rm -rf "${{root:?}}/$id" ;;
esac
"""


class FakeRuntime:
    """An OCI runtime's program: it keeps <root>/<id> as runc does, and kills what it deletes."""

    def __init__(self, story: Story, name: str = "runc") -> None:
        self._story = story
        self.path = story.home / name
        self.root = story.home / f"{name}.root"
        self.root.mkdir()
        self.path.write_text(_RUNTIME.format(home=shlex.quote(str(story.home))))
        self.path.chmod(0o755)

    def fails(self, verb: str, says: str) -> None:
        """The verb fails with these words until it works again."""
        (self._story.home / f"runtime.{verb}.fails").write_text(says)

    def works(self, verb: str) -> None:
        """The verb works again."""
        (self._story.home / f"runtime.{verb}.fails").unlink()

    def knows(self, container_id: str) -> bool:
        """Whether it has a record of the container."""
        return (self.root / container_id).exists()

    def creates(self, container_id: str, pid: int) -> None:
        """What `create` leaves."""
        home = self.root / container_id
        home.mkdir()
        (home / "exec.fifo").touch()
        (home / "pid").write_text(str(pid))

    def resources(self) -> bytes:
        """What the last `update` was given."""
        return (self._story.home / "resources").read_bytes()
