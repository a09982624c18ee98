"""Shims on the preflight, with files made for the test."""

import os
from pathlib import Path

import pytest

from orlop.config.schema import Handler
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
    path, file = _program(tmp_path / "containerd-shim-runsc-v1"), tmp_path / "runsc.toml"
    if there:
        file.touch()
    finding = shims.look("runsc", Handler(type="shim", path=path, config_path=str(file)), missing)
    assert (finding.state is State.OK) == there
    assert os.path.basename(path) in finding.detail or "runsc.toml is not there" in finding.detail
