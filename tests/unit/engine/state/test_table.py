"""State on disk: what is written comes back, what is broken is dropped alone, and the database recovers from damage."""

import logging
import os
import sqlite3

import msgspec
import pytest

from orlop.engine.state.database import Database
from orlop.engine.state.table import State
from orlop.linux import mounts
from orlop.model.container import ContainerConfig, ContainerMetadata, ContainerRecord, ContainerStatus, KeyValue
from orlop.model.enums import ContainerState, PodSandboxState
from orlop.model.errors import InvalidArgument, NotFound, ResourceExhausted
from orlop.model.pod import PodRecord, PodSandboxConfig, PodSandboxMetadata, PodStatus


def pod(pod_id: str = "a" * 64) -> PodRecord:
    metadata = PodSandboxMetadata(name="web", uid="u1", namespace="default", attempt=2)
    return PodRecord(id=pod_id, config=PodSandboxConfig(metadata=metadata), handler="runc", created_at=5)


def container(container_id: str = "c" * 64, pod_id: str = "a" * 64, created_at: int = 1) -> ContainerRecord:
    config = ContainerConfig(
        metadata=ContainerMetadata(name="main"), envs=(KeyValue(key="RAW", value=b"\xff\x00\n"),), args=("a", "é")
    )
    return ContainerRecord(id=container_id, pod_id=pod_id, config=config, handler="runc", created_at=created_at)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "state.db")


def test_everything_comes_back_after_a_restart_without_close(path):
    state = State(path)
    state.pods.insert("a" * 64, pod(), PodStatus())
    state.pods.update("a" * 64, made=True, ips=("10.0.0.2", "fd00::2"))
    state.containers.insert("c" * 64, container(), ContainerStatus(made=True, pid=7, started_at=9))

    again = State(path)
    entry = again.pods.get("a" * 64)
    assert entry.record == pod()
    assert entry.status == PodStatus(made=True, ips=("10.0.0.2", "fd00::2"))
    assert again.containers.get("c" * 64).record == container()
    assert again.containers.get("c" * 64).status.state is ContainerState.CONTAINER_RUNNING


def test_state_follows_the_timestamps():
    assert ContainerStatus().state is ContainerState.CONTAINER_CREATED
    assert ContainerStatus(finished_at=3).state is ContainerState.CONTAINER_EXITED
    assert ContainerStatus(started_at=1, finished_at=3).state is ContainerState.CONTAINER_EXITED
    assert PodStatus().state is PodSandboxState.SANDBOX_READY
    assert PodStatus(stopped_at=1).state is PodSandboxState.SANDBOX_NOTREADY
    assert PodStatus(lost="its network namespace is gone").state is PodSandboxState.SANDBOX_NOTREADY


def test_find_takes_prefixes_and_tells_what_is_wrong(path):
    state = State(path)
    for pod_id in ("ab" * 32, "ac" * 32):
        state.pods.insert(pod_id, pod(pod_id), PodStatus())
    assert state.pods.find("ab").record.id == "ab" * 32
    with pytest.raises(InvalidArgument, match="2 of kind pod sandbox have ids that begin with 'a'"):
        state.pods.find("a")
    with pytest.raises(NotFound, match="no pod sandbox with id 'ff'"):
        state.pods.find("ff")
    with pytest.raises(NotFound, match="''"):
        state.pods.find("")


def test_update_drops_what_is_listed_and_refuses_what_has_gone(path):
    state = State(path)
    entry = state.pods.insert("a" * 64, pod(), PodStatus())
    entry.listed = b"not made"
    state.pods.update("a" * 64, made=True)
    assert entry.listed == b""
    state.pods.delete("a" * 64)
    state.pods.delete("a" * 64)
    with pytest.raises(NotFound):
        state.pods.update("a" * 64, made=False)
    assert len(State(path).pods) == 0


def test_a_record_that_is_amended_comes_back_so(path):
    state = State(path)
    state.containers.insert("c" * 64, container(), ContainerStatus())
    entry = state.containers.get("c" * 64)
    entry.listed = b"of the old record"
    state.containers.amend("c" * 64, msgspec.structs.replace(container(), cgroup="/other"))
    assert (entry.record.cgroup, entry.listed) == ("/other", b"")
    assert State(path).containers.get("c" * 64).record.cgroup == "/other"
    with pytest.raises(NotFound):
        state.containers.amend("d" * 64, container())


def test_an_insert_that_fails_leaves_no_entry(path):
    state = State(path)
    state.pods.insert("a" * 64, pod(), PodStatus())
    with pytest.raises(sqlite3.IntegrityError):
        state.pods.insert("a" * 64, pod(), PodStatus(made=True))
    assert state.pods.get("a" * 64).status.made is False


def test_one_broken_row_does_not_keep_the_others_back(path, caplog):
    state = State(path)
    state.pods.insert("a" * 64, pod(), PodStatus())
    state.pods.insert("b" * 64, pod("b" * 64), PodStatus())
    state.close()
    database = Database(path)
    database.execute("UPDATE pods SET status = ? WHERE id = ?", (b'{"made": "perhaps"}', "a" * 64))
    database.close()
    with caplog.at_level(logging.ERROR):
        again = State(path)
    assert [entry.record.id for entry in again.pods] == ["b" * 64]
    assert "a" * 64 in caplog.text and "$.made" in caplog.text


@pytest.mark.parametrize("damage", [b"not a database at all" * 50, b"SQLite format 3\x00" + b"\xff" * 4080])
def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(path, damage, caplog):
    with open(path, "wb") as file:
        file.write(damage)
    with caplog.at_level(logging.ERROR):
        state = State(path)
    assert len(state.pods) == 0
    assert os.path.exists(f"{path}.unreadable")
    assert path in caplog.text
    state.pods.insert("a" * 64, pod(), PodStatus())
    assert len(State(path).pods) == 1


def test_a_file_of_a_later_version_is_kept_aside(path):
    database = Database(path)
    database.execute("PRAGMA user_version=99")
    database.close()
    assert len(State(path).pods) == 0
    assert sqlite3.connect(f"{path}.unreadable").execute("PRAGMA user_version").fetchone()[0] == 99


@pytest.mark.root
def test_a_full_disk_says_nothing_about_the_file(tmp_path):
    """With a new database in its place every pod of the node would be removed as one that nobody knows."""
    path, ballast = tmp_path / "state.db", tmp_path / "ballast"
    mounts.tmpfs(str(tmp_path), size=1 << 20)
    try:
        state = State(str(path))
        state.pods.insert("a" * 64, pod(), PodStatus())
        state.close()
        with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        with pytest.raises(ResourceExhausted, match=f"{path} cannot be opened"):
            State(str(path))
        ballast.unlink()
        state = State(str(path))
        assert [entry.record for entry in state.pods] == [pod()]
        state.close()
    finally:
        mounts.unmount(str(tmp_path))


def test_a_transaction_is_all_or_nothing(path):
    database = Database(path)
    with pytest.raises(RuntimeError), database.transaction():
        database.execute("INSERT INTO pods VALUES ('x', '{}', '{}')")
        raise RuntimeError("in the middle")
    assert database.execute("SELECT count(*) FROM pods").fetchone()[0] == 0


def test_containers_of_a_pod_oldest_first(path):
    state = State(path)
    for container_id, pod_id, created in (("1" * 64, "a", 9), ("2" * 64, "a", 3), ("3" * 64, "b", 1)):
        state.containers.insert(container_id, container(container_id, pod_id, created), ContainerStatus())
    assert [entry.record.id[0] for entry in state.containers_of("a")] == ["2", "1"]
    state.containers.delete("2" * 64)
    assert [entry.record.id[0] for entry in state.containers_of("a")] == ["1"]
    assert [entry.record.id[0] for entry in State(path).containers_of("a")] == ["1"]
