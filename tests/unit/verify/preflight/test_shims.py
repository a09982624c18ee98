"""Shims on the preflight, with files made for the test."""

import os
from pathlib import Path

import pytest

from orlop.config.schema import Handler
from orlop.daemon import binaries
from orlop.verify.preflight import shims
from orlop.verify.preflight.finding import State, missing


def _program(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_a_shim_that_is_not_there(tmp_path: Path) -> None:
    finding = shims.look("kata", Handler(type="shim", path=str(tmp_path / "gone")), missing)
    assert (finding.state, finding.detail) == (State.MISSING, f"{tmp_path}/gone is not there")
    assert "containerd-shim-other-v2 is not there" in shims.look("other", Handler(type="shim"), missing).detail


def test_runcs_shim_needs_the_runtime_that_it_calls(tmp_path: Path) -> None:
    path, runc = _program(tmp_path / "containerd-shim-runc-v2"), _program(tmp_path / "runc")
    assert shims.look("s", Handler(type="shim", path=path, oci_runtime=runc), missing).state is State.OK
    gone = shims.look("s", Handler(type="shim", path=path, oci_runtime="/gone/runc"), missing)
    assert "calls /gone/runc, which is not there" in gone.detail


def test_kata_without_kvm_is_told_what_the_host_lacks(tmp_path: Path) -> None:
    path = _program(tmp_path / "containerd-shim-kata-v2")
    handler = Handler(type="shim", path=path)
    lacking = shims.look("kata", handler, missing, root=str(tmp_path))
    assert "the host has no /dev/kvm, /dev/vhost-vsock, /dev/vhost-net" in lacking.detail
    assert "modprobe vhost_vsock" in lacking.remedy
    (tmp_path / "dev").mkdir()
    for name in ("kvm", "vhost-vsock", "vhost-net"):
        (tmp_path / "dev" / name).touch()
    assert shims.look("kata", handler, missing, root=str(tmp_path)).state is State.OK


@pytest.mark.parametrize("there", [True, False])
def test_the_shims_configuration_file_must_be_there(tmp_path: Path, there: bool) -> None:
    path, file = _program(tmp_path / "containerd-shim-kept-v1"), tmp_path / "kept.toml"
    if there:
        file.touch()
    finding = shims.look("kept", Handler(type="shim", path=path, config_path=str(file)), missing)
    assert (finding.state is State.OK) == there
    assert os.path.basename(path) in finding.detail or "kept.toml is not there" in finding.detail


def test_gvisors_shim_needs_the_runsc_that_it_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(binaries, "SEARCHED", "")
    path, file = _program(tmp_path / "containerd-shim-runsc-v1"), tmp_path / "runsc.toml"
    assert "calls runsc, which is not there" in shims.look("g", Handler(type="shim", path=path), missing).detail
    file.write_text(f'binary_name = "{tmp_path}/own-runsc"\n')
    handler = Handler(type="shim", path=path, config_path=str(file))
    gone = shims.look("g", handler, missing)
    assert f"calls {tmp_path}/own-runsc, which is not there" in gone.detail
    assert f"binary_name in {file}" in gone.remedy
    _program(tmp_path / "own-runsc")
    assert shims.look("g", handler, missing).state is State.OK
    file.write_text("binary_name = [")
    (tmp_path / "bin").mkdir()
    _program(tmp_path / "bin" / "runsc")
    assert shims.look("g", handler, missing).state is State.OK
