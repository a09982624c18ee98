"""Programs that a node needs, with programs made for the test."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.config.schema import Config
from orlop.verify.preflight import programs
from orlop.verify.preflight.finding import Finding, State


@pytest.fixture
def program(tmp_path: Path) -> Any:
    """Makes a program that prints a version."""

    def make(name: str, output: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
        path.chmod(0o755)
        return str(path)

    return make


async def look(**tables: Any) -> dict[str, Finding]:
    """What is found with such a configuration, by name."""
    return {each.name: each for each in await programs.look(msgspec.convert(tables, Config))}


async def test_good_programs(program: Any) -> None:
    runc = program("runc", "runc version 1.2.3\nspec: 1.2.0")
    found = await look(
        monitor={"path": program("conmon", "conmon version 2.1.13")},
        handlers={"runc": {"path": runc}},
        container={"pause_path": program("catatonit", "")},
    )
    assert {each.state for each in found.values()} == {State.OK}
    assert found["handler runc"].detail == f"{runc}, runc 1.2.3"


async def test_a_conmon_that_loses_exit_codes_is_refused(program: Any) -> None:
    found = (await look(monitor={"path": program("conmon", "conmon version 2.2.0")}))["conmon"]
    assert found.state is State.MISSING
    assert "2.2.0 must not be used" in found.detail


async def test_programs_that_are_not_there(tmp_path: Path) -> None:
    found = await look(
        monitor={"path": f"{tmp_path}/conmon"},
        handlers={"runc": {"path": f"{tmp_path}/runc"}, "crun": {"path": f"{tmp_path}/crun"}, "kata": {"type": "shim"}},
        container={"pause_path": f"{tmp_path}/pause"},
    )
    assert {name: each.state for name, each in found.items()} == {
        "conmon": State.MISSING,
        "handler runc": State.MISSING,
        "handler crun": State.WARNING,
        "handler kata": State.WARNING,
        "pause process": State.WARNING,
    }
    assert found["handler crun"].remedy == "install it (apt install crun), or set handlers.crun.path"


async def test_a_runtime_that_is_none(program: Any) -> None:
    found = (await look(handlers={"runc": {"path": program("runc", "hello")}}))["handler runc"]
    assert found.state is State.MISSING


async def test_what_writes_host_ports(tmp_path: Path, program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    handlers: Any = {"runc": {"path": program("runc", "runc version 1.2.3\nspec: 1.2.0")}}
    assert "host ports" not in await look(handlers=handlers)

    async def told() -> Finding:
        return (await look(handlers=handlers, network={"host_ports": "own"}))["host ports"]

    assert (await told()).state is State.MISSING
    assert "apt install nftables" in (await told()).remedy
    iptables = program("iptables-restore", "")
    assert (await told()).state is State.WARNING
    assert iptables in (await told()).detail and "conntrack" in (await told()).remedy
    program("conntrack", "")
    nft = program("nft", "")
    assert await told() == Finding("host ports", State.OK, nft)
