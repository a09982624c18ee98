"""What a provisioner does for a declaration."""

import pytest

from orlop.node import lock
from orlop.node.artefacts import ARCHITECTURES
from orlop.node.declaring import declare
from orlop.node.plan import Program, plan, plan_as_data


def test_files_are_those_of_their_part() -> None:
    found = plan(declare({}))
    numbers = {part: len(files) for part, files in found.files.items() if files}
    assert numbers == {"host": 2, "network": 1, "daemon": 3}
    assert all(file.part == part for part, files in found.files.items() for file in files)


def test_an_external_network_has_no_bridge_and_no_leases() -> None:
    found = plan(declare({"network": {"provider": "external"}}))
    assert (found.interface, found.directories.leases, found.files["network"]) == ("", "", [])
    assert found.plugins == ["loopback"]


def test_programs_are_those_of_the_handlers() -> None:
    handlers = {"runc": {}, "fast": {"path": "/usr/bin/crun"}, "other": {"path": "/usr/bin/crun"}}
    assert plan(declare({"handlers": handlers})).programs == [
        Program(name="crun", path="/usr/bin/crun"),
        Program(name="runc", path=""),
    ]


def test_directories_follow_the_daemons_settings() -> None:
    settings = {"daemon": {"root_dir": "/data/orlop"}, "network": {"conf_dir": "/etc/net"}}
    found = plan_as_data(declare({"daemon": settings}))
    assert found["directories"]["root"] == "/data/orlop"
    assert found["directories"]["network"] == "/etc/net"


def test_kata_comes_with_a_handler_whose_program_is_in_it() -> None:
    def urls(minor: str, *paths: str) -> list[str]:
        handlers = {"runc": {}} | {f"kata-{at}": {"type": "shim", "path": path} for at, path in enumerate(paths)}
        return [
            each.url.rpartition("/")[2]
            for each in plan(declare({"kubernetes": minor, "handlers": handlers})).kata["amd64"]
        ]

    go, rust = "/opt/kata/bin/containerd-shim-kata-v2", "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2"
    assert urls("1.37", rust) == ["kata-static-4.2.0-amd64.tar.zst"]
    assert urls("1.37", rust, go) == ["kata-go-static-4.2.0-amd64.tar.zst", "kata-static-4.2.0-amd64.tar.zst"]
    assert urls("1.35", rust, go) == ["kata-static-3.32.0-amd64.tar.zst"]
    assert plan(declare({"handlers": {"runc": {}}})).kata == {}
    for minor in lock.load().kubernetes:
        handlers = {"runc": {}, "rust": {"type": "shim", "path": rust}, "go": {"type": "shim", "path": go}}
        known = plan(declare({"kubernetes": minor, "handlers": handlers})).kata["amd64"]
        assert all(each.sha256 and len(each.sha256) == 64 for each in known)


@pytest.mark.parametrize("minor", lock.load().kubernetes)
def test_runc_and_the_plugins_of_each_minor_come_by_digest_without_being_told_one(minor: str) -> None:
    found = plan(declare({"kubernetes": minor, "artefacts": {"runc": {}, "cni-plugins": {}}}))
    for arch in ARCHITECTURES:
        wanted = [*found.verified[arch], *found.verified_plugins[arch]]
        assert {"runc", "bridge"} <= {each.name for each in wanted}
        assert all(each.sha256 and len(each.sha256) == 64 for each in wanted)
