"""A shim binary's start and delete: every form of its answer, and whatever else it may write."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.shim.bootstrap import Bootstrap, ShimBinary, parse_answer, read_bootstrap
from orlop.engine.shim.options import as_stdin, file_options, runc_options
from orlop.model.errors import FailedPrecondition, OrlopError, TimedOut, Unsupported

BINARY = """#!/bin/sh
echo "$@ in $(pwd) with $TTRPC_ADDRESS $NAMESPACE $MAX_SHIM_VERSION" >> {home}/calls
cat > {home}/stdin
{does}
"""


def _binary(home: Path, does: str, **fields: float) -> ShimBinary:
    path = home / "containerd-shim-test-v2"
    path.write_text(BINARY.format(home=home, does=does))
    path.chmod(0o755)
    return ShimBinary(path=str(path), events="/run/events.sock", **fields)


@pytest.mark.parametrize(
    ("answer", "socket", "service"),
    [
        (b"unix:///run/containerd/s/abc\n", "/run/containerd/s/abc", "containerd.task.v2.Task"),
        (b"/run/s/abc", "/run/s/abc", "containerd.task.v2.Task"),
        (b"unix://@/containerd-shim/abc.sock", "\0/containerd-shim/abc.sock", "containerd.task.v2.Task"),
        (b'{"version":2,"address":"unix:///run/s","protocol":"ttrpc"}', "/run/s", "containerd.task.v2.Task"),
        (b'{"version":3,"address":"unix:///run/s","protocol":"ttrpc","x":1}', "/run/s", "containerd.task.v3.Task"),
    ],
)
def test_each_form_of_the_address(answer: bytes, socket: str, service: str) -> None:
    bootstrap = parse_answer(answer)
    assert (bootstrap.socket, bootstrap.service) == (socket, service)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "not that of a unix socket"),
        (b"panic: runtime error", "not that of a unix socket"),
        (b"vsock://3:1024", "not that of a unix socket"),
        (b'{"version":3,"address":"unix:///s","protocol":"grpc"}', "only ttrpc"),
        (b'{"version":9,"address":"unix:///s","protocol":"ttrpc"}', "version 9"),
        (b'{"version":3', "start answered"),
    ],
)
def test_answers_that_cannot_be_used(answer: bytes, why: str) -> None:
    with pytest.raises(Unsupported, match=why):
        parse_answer(answer)


@given(st.binary(max_size=200))
def test_any_answer_is_an_address_or_refused(answer: bytes) -> None:
    try:
        assert parse_answer(answer).socket[0] in "/\0"
    except Unsupported:
        pass


async def test_start_is_told_all_and_its_answer_is_kept(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    options = as_stdin(runc_options(binary="/sbin/runc", root="/run/r", systemd_cgroup=False))
    answer = await _binary(tmp_path, "echo unix:///run/s/1").start("id1", str(bundle), options)
    assert answer == Bootstrap(address="unix:///run/s/1")
    call = (tmp_path / "calls").read_text()
    assert call.startswith("-namespace k8s.io -address /run/events.sock -publish-binary ")
    assert call.endswith(f"-id id1 start in {bundle} with /run/events.sock k8s.io 3\n")
    assert (tmp_path / "stdin").read_bytes() == options
    assert read_bootstrap(str(bundle)) == answer


async def test_its_words_are_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(OrlopError, match=r"start for container id1 failed: no KVM here$"):
        await _binary(tmp_path, "echo no KVM here >&2; exit 1").start("id1", str(tmp_path), b"")
    with pytest.raises(TimedOut, match=r"within 0\.2 s"):
        await _binary(tmp_path, "sleep 1000", time_limit=0.2).start("id1", str(tmp_path), b"")
    os.unlink(tmp_path / "containerd-shim-test-v2")
    with pytest.raises(FailedPrecondition, match="is not there any more"):
        await ShimBinary(path=str(tmp_path / "gone"), events="/e").delete("id1", str(tmp_path))


def test_the_shims_own_address_file_will_do(tmp_path: Path) -> None:
    assert read_bootstrap(str(tmp_path)) is None
    (tmp_path / "address").write_text("unix:///run/s/2")
    assert read_bootstrap(str(tmp_path)) == Bootstrap(address="unix:///run/s/2")
    (tmp_path / "shim.json").write_text(json.dumps({"address": "unix:///run/s/3", "version": 3}))
    found = read_bootstrap(str(tmp_path))
    assert found is not None and found.service == "containerd.task.v3.Task"


def test_options_have_the_numbers_that_shims_read() -> None:
    url, value = runc_options(binary="/r", root="/s", systemd_cgroup=True)
    assert (url, value) == ("containerd.runc.v1.Options", b"\x32\x02/r\x3a\x02/s\x48\x01")
    url, value = file_options("/opt/kata/bin/containerd-shim-kata-v2", "/etc/kata.toml")
    assert url == "runtimeoptions.v1.Options"
    assert value == b"\x0a\x1dio.containerd.kata.v2.options\x12\x0e/etc/kata.toml"
    assert b"io.containerd.runsc.v1.options" in file_options("/usr/bin/containerd-shim-runsc-v1", "/r.toml")[1]
    assert as_stdin(None) == b""
