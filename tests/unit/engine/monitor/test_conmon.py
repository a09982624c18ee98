"""conmon's arguments, and the versions that may be used."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from orlop.engine.monitor.conmon import Conmon, CreateRequest, accepted_version, arguments
from orlop.engine.monitor.handshake import Handshake
from orlop.linux.processes import children
from orlop.model.errors import OrlopError, TimedOut, Unavailable, Unsupported
from tests.harness import descriptors


def request(directory: Path) -> CreateRequest:
    return CreateRequest(
        container_id="abc",
        name="web",
        bundle=str(directory),
        log_path="/logs/0.log",
        runtime_path="/bin/runc",
        runtime_args=("--root=/r", "--log-format=json"),
        exit_dir=str(directory),
        persist_dir=str(directory),
        socket_dir=str(directory),
        timeout=5,
    )


def test_arguments(tmp_path: Path) -> None:
    argv = " ".join(arguments("/bin/conmon", request(tmp_path)))
    assert "--cid abc --cuuid abc" in argv
    assert "--log-path k8s-file:/logs/0.log" in argv
    assert "--runtime /bin/runc --runtime-arg=--root=/r --runtime-arg=--log-format=json" in argv
    assert not {"--terminal", "--stdin", "--systemd-cgroup", "--leave-stdin-open"} & set(argv.split())


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({"terminal": True, "stdin": True}, {"--terminal"}),
        ({"stdin": True}, {"--stdin", "--leave-stdin-open"}),
        ({"stdin": True, "stdin_once": True}, {"--stdin"}),
        ({"systemd_cgroup": True}, {"--systemd-cgroup"}),
        ({"log_path": ""}, {"none"}),
    ],
)
def test_flags(tmp_path: Path, fields: dict[str, bool], flags: set[str]) -> None:
    wanted = replace(request(tmp_path), **fields)  # type: ignore[arg-type]  # a test's short cut
    assert set(arguments("c", wanted)) - set(arguments("c", request(tmp_path))) == flags


@pytest.mark.parametrize("version", ["2.1.0", "2.1.6", "2.1.13", "2.2.1", "3.0.0"])
def test_good_versions(version: str) -> None:
    assert accepted_version(f"conmon version {version}\ncommit: unknown\n") == version


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("conmon version 2.2.0\n", "2.2.0 must not be used.*install"),
        ("conmon version 2.0.25\n", "too old: install 2.1.0"),
        ("hello\n", "not conmon"),
    ],
)
def test_bad_versions(output: str, words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        accepted_version(output)


async def test_a_missing_binary() -> None:
    with pytest.raises(Unavailable, match="/no/conmon"):
        await Conmon("/no/conmon").version()


@pytest.fixture
async def orphans_end() -> AsyncIterator[None]:
    """What a killed shell had started is reaped a moment after it, by the loop's reaper."""
    yield
    async with asyncio.timeout(5):
        while children(os.getpid()):  # noqa: ASYNC110 - the end of an orphan is no event of ours
            await asyncio.sleep(0.01)


def fake(directory: Path, body: str) -> Conmon:
    """A conmon that does as the test says; it, too, gets its pipes by environment variables."""
    path = directory / "conmon"
    path.write_text(f'#!/bin/sh\nhead -c 1 < "/proc/self/fd/$_OCI_STARTPIPE" > /dev/null\n{body}\n')
    os.chmod(path, 0o755)
    return Conmon(str(path))


def answer(text: str) -> str:
    return f"printf '{text}' > \"/proc/self/fd/$_OCI_SYNCPIPE\""


@pytest.mark.usefixtures("orphans_end")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("exit 0", "conmon ended without an answer"),
        ("echo bad option >&2; exit 1", "bad option"),
        (answer('{"pid":-1,"message":"runc \\\\"says\\\\" no"}\\n'), 'runc "says" no'),
        (answer('{"pid":-1,"message":"raw \\377 byte"}\\n'), "raw � byte"),
        (answer("nonsense\\n"), "nonsense"),
        (answer('{"pid":0}\\n'), "no process"),
    ],
)
async def test_each_way_to_fail(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(OrlopError, match=words):
        await fake(tmp_path, body).create(request(tmp_path))
    assert os.listdir(tmp_path) == ["conmon"]


@pytest.mark.usefixtures("orphans_end")
async def test_one_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(TimedOut, match="abc was not created"):
        await fake(tmp_path, "exec sleep 300").create(replace(request(tmp_path), timeout=0.3))


@pytest.mark.usefixtures("orphans_end")
@pytest.mark.parametrize("free", [1, 3, 5])
def test_too_few_descriptors_leave_none_open(free: int) -> None:
    with descriptors.only(free), pytest.raises(OSError, match="Too many open files"):
        Handshake()


async def test_a_place_that_fails_ends_it_before_it_begins(tmp_path: Path) -> None:
    def refuse(_pid: int) -> None:
        raise OSError(28, "full")

    with pytest.raises(OrlopError, match=r"cgroup.*full"):
        await fake(tmp_path, f"touch {tmp_path}/began").create(replace(request(tmp_path), place=refuse))
    assert os.listdir(tmp_path) == ["conmon"]
