"""A command's family is killed, and nobody else."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from orlop.engine.oci.killing import kill_tree
from orlop.linux.processes import start_time


@dataclass
class FreezerStub:
    """Notes what is asked of a hierarchy; candidates are whoever the test says."""

    members: Callable[[], Iterable[int]]
    calls: list[str] = field(default_factory=list)

    def exists(self, _path: str) -> bool:
        return True

    def freeze(self, path: str) -> None:
        self.calls.append(f"freeze {path}")

    def thaw(self, path: str) -> None:
        self.calls.append(f"thaw {path}")

    def pids(self, _path: str) -> list[int]:
        return list(self.members())


def family(tmp_path: Path) -> tuple["subprocess.Popen[bytes]", list[int]]:
    """A shell in a session of its own, with a child, an orphaned grandchild, and one in another session."""
    body = 'sleep 300 & echo $! > "$0/a"; (sleep 300 & echo $! > "$0/b"); setsid sleep 300 & echo $! > "$0/c"; wait'
    shell = subprocess.Popen(["sh", "-c", body, str(tmp_path)], start_new_session=True)
    deadline = time.monotonic() + 10
    names = ("a", "b", "c")
    while not all((tmp_path / name).exists() and (tmp_path / name).read_text().strip() for name in names):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return shell, [int((tmp_path / name).read_text()) for name in names]


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_the_whole_family_dies(tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "300"])
    shell, members = family(tmp_path)
    kill_tree(shell.pid, start_time(shell.pid))
    assert shell.wait(5) == -signal.SIGKILL
    assert all(gone(pid) for pid in members)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_with_a_cgroup_only_its_members_are_looked_at_and_it_is_thawed(tmp_path: Path) -> None:
    shell, members = family(tmp_path)
    stub = FreezerStub(lambda: [shell.pid, *members])
    kill_tree(shell.pid, start_time(shell.pid), hierarchy=stub, cgroup="/c")  # type: ignore[arg-type]  # what it needs
    shell.wait(5)
    assert all(gone(pid) for pid in members)
    assert stub.calls == ["freeze /c", "thaw /c"]


def test_a_later_process_with_the_same_pid_is_spared() -> None:
    other = subprocess.Popen(["sleep", "300"], start_new_session=True)
    kill_tree(other.pid, start_time(other.pid) - 1, hierarchy=None)
    assert other.poll() is None
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
