"""Configuration to the plain values that verbs work with; the whole deck is built in the integration tests."""

import json
import os
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from orlop.config.schema import Config
from orlop.daemon.wiring import _handlers, cgroup_driver, pids_limit, settings_of, warn_of_apparmor, without_secrets
from orlop.engine.oci.inputs import HostFacts
from orlop.model.enums import CgroupDriver
from orlop.model.errors import FailedPrecondition


def config(**tables: Any) -> Config:
    """A configuration of these values."""
    return msgspec.convert(tables, Config)


def test_the_cgroup_driver() -> None:
    assert cgroup_driver(config(cgroup={"driver": "systemd"})) is CgroupDriver.SYSTEMD
    assert cgroup_driver(config(cgroup={"driver": "cgroupfs"})) is CgroupDriver.CGROUPFS
    booted = os.path.isdir("/run/systemd/system")
    assert cgroup_driver(config()) is (CgroupDriver.SYSTEMD if booted else CgroupDriver.CGROUPFS)


def test_settings_are_the_configuration_in_plain_values() -> None:
    found = settings_of(
        config(
            daemon={"state_dir": "/run/x"},
            container={"default_env": {"A": "1"}, "pids_limit": 7},
        ),
        CgroupDriver.CGROUPFS,
    )
    assert found.bundle("c1") == "/run/x/containers/c1"
    assert (found.spec.pids_limit, found.spec.default_env) == (7, {"A": "1"})


def test_no_limit_of_processes_must_be_said_to_systemd() -> None:
    assert pids_limit(-1, CgroupDriver.SYSTEMD) == 4194304
    assert pids_limit(-1, CgroupDriver.CGROUPFS) == -1
    assert pids_limit(7, CgroupDriver.SYSTEMD) == 7


def test_a_default_profile_that_is_not_loaded_is_told(caplog: pytest.LogCaptureFixture) -> None:
    bare = HostFacts(cgroup_version=2, capabilities=frozenset())
    warn_of_apparmor(bare, "p")
    warn_of_apparmor(replace(bare, apparmor=True, apparmor_profiles=frozenset({"p"})), "p")
    warn_of_apparmor(replace(bare, apparmor=True), "")
    assert not caplog.records
    warn_of_apparmor(replace(bare, apparmor=True), "p")
    assert "'p'" in caplog.text


def test_passwords_are_not_shown() -> None:
    secret = config(registries={"r.test": {"username": "u", "password": "hunter2"}})
    shown = json.loads(settings_of(secret, CgroupDriver.CGROUPFS).shown)
    assert shown["registries"]["r.test"]["password"] == "***"
    assert "hunter2" not in json.dumps(shown)
    assert without_secrets(secret).registries["r.test"].username == "u"


async def test_a_default_handler_that_is_missing_is_an_error() -> None:
    wanted = config(default_handler="gone", handlers={"gone": {"path": "/nowhere/gone"}})
    with pytest.raises(
        FailedPrecondition, match=r"/nowhere/gone is not installed: install it, or set handlers\.gone\.path"
    ):
        await _handlers(wanted, CgroupDriver.CGROUPFS)


async def test_a_shim_is_found_by_its_handlers_name() -> None:
    with pytest.raises(FailedPrecondition, match=r"containerd-shim-kata-v2 is not installed.* handlers\.kata\.path"):
        await _handlers(config(default_handler="kata", handlers={"kata": {"type": "shim"}}), CgroupDriver.CGROUPFS)
