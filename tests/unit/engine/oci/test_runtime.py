"""The OCI runtime's command line, with programs in its place that say what is to be understood."""

import json
import os
from pathlib import Path

import pytest

from orlop.engine.oci.runtime import OciRuntime, RuntimeVersion, features_implied, features_told
from orlop.model.errors import OrlopError, TimedOut, Unavailable


def fake(tmp_path: Path, body: str, **fields: object) -> OciRuntime:
    path = tmp_path / "runtime"
    path.write_text(f"#!/bin/sh\n{body}\n")
    os.chmod(path, 0o755)
    return OciRuntime(name="fake", path=str(path), root="/run/fake", **fields)  # type: ignore[arg-type]


def test_arguments() -> None:
    runtime = OciRuntime(name="runc", path="/bin/runc", root="/run/r", systemd_cgroup=True)
    assert runtime.global_args == ("--root=/run/r", "--log-format=json")
    assert runtime.command("start", "c", log="/l") == (
        *("/bin/runc", "--root=/run/r", "--log-format=json", "--log=/l", "--systemd-cgroup", "start", "c"),
    )


async def test_version(tmp_path: Path) -> None:
    version = await fake(tmp_path, "printf 'runc version 1.1.5+ds1\\ncommit: x\\nspec: 1.0.2-dev\\n'").version()
    assert version == RuntimeVersion(name="runc", version="1.1.5+ds1", spec="1.0.2-dev")
    assert version.release == (1, 1, 5)
    assert RuntimeVersion(name="x", version="unknown", spec="").release == ()


async def test_something_else_is_not_taken_for_a_runtime(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not look like"):
        await fake(tmp_path, "echo hello").version()


async def test_a_missing_binary_is_named() -> None:
    with pytest.raises(Unavailable, match="/no/runtime: No such file"):
        await OciRuntime(name="x", path="/no/runtime", root="/r").start("c")


async def test_a_hanging_command_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(TimedOut, match=r"start container abc: fake did not end within 0\.2 s"):
        await fake(tmp_path, "exec sleep 300", time_limit=0.2).start("abc")


async def test_a_failure_is_told_in_the_runtimes_words(tmp_path: Path) -> None:
    body = """echo '{"level":"error","msg":"it is broken"}' >&2; exit 1"""
    with pytest.raises(OrlopError, match="cannot signal container abc: it is broken"):
        await fake(tmp_path, body).kill("abc", 9)


async def test_update_sends_the_limits_on_stdin(tmp_path: Path) -> None:
    await fake(tmp_path, f'echo "$@" > {tmp_path}/args; cat > {tmp_path}/body').update("c", {"cpu": {"shares": 5}})
    assert (tmp_path / "args").read_text().split()[-4:] == ["update", "--resources", "-", "c"]
    assert json.loads((tmp_path / "body").read_text()) == {"cpu": {"shares": 5}}


async def test_features_of_a_runtime_that_tells_them(tmp_path: Path) -> None:
    told = {
        "mountOptions": ["ro", "rro"],
        "linux": {"namespaces": ["user", "pid"]},
    }
    found = await fake(tmp_path, f"echo '{json.dumps(told)}'").features()
    assert (found.recursive_read_only_mounts, found.user_namespaces) == (True, True)
    assert found.raw == told


async def test_features_of_one_that_cannot(tmp_path: Path) -> None:
    body = 'case "$*" in *--version) echo "crun version 1.8.1";; *) echo unknown command features >&2; exit 1;; esac'
    found = await fake(tmp_path, body).features()
    assert (found.recursive_read_only_mounts, found.user_namespaces) == (True, True)


def test_what_is_not_told_is_not_there() -> None:
    assert not features_told({"linux": None, "mountOptions": None}).recursive_read_only_mounts
    assert not features_told({"linux": {"namespaces": ["pid"]}}).user_namespaces
    assert not features_implied(RuntimeVersion(name="runc", version="1.0.0", spec="")).recursive_read_only_mounts
    assert not features_implied(RuntimeVersion(name="crun", version="1.3", spec="")).user_namespaces
