"""When the table is written, what happens when it cannot be, what an earlier daemon has left. nft is a script here."""

from dataclasses import replace
from pathlib import Path

import pytest

from orlop.engine.hostports.mapping import HostPort
from orlop.engine.hostports.nft import REMOVE
from orlop.engine.hostports.table import HostPorts
from orlop.model.errors import FailedPrecondition, Unavailable

# The pod's address is one that every namespace has, behind lo, which is never opened.
PORT = HostPort(family=4, protocol="tcp", host_ip="", host_port=8080, pod_ip="127.0.0.1", pod_port=80)


class Nft:
    """Keeps the last script that it was given, and fails where it is told to."""

    def __init__(self, home: Path) -> None:
        self._home = home
        program = home / "bin" / "nft"
        program.parent.mkdir()
        program.write_text(
            f"#!/bin/sh\n[ ! -e {home}/broken ] || {{ echo 'no netlink' >&2; exit 1; }}\n/bin/cat > {home}/script\n"
        )
        program.chmod(0o755)
        self.path = str(program.parent)

    def breaks(self) -> None:
        (self._home / "broken").touch()

    def works(self) -> None:
        (self._home / "broken").unlink()

    def script(self) -> str:
        path = self._home / "script"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def nft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nft:
    nft = Nft(tmp_path)
    monkeypatch.setenv("PATH", nft.path)
    return nft


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


async def test_a_port_comes_and_goes_and_nothing_is_left(nft: Nft, mark: Path) -> None:
    ports = HostPorts(str(mark), on=True)
    await ports.start([])
    assert nft.script() == ""
    await ports.open("pod", (PORT,))
    assert "tcp . 8080 : 127.0.0.1 . 80" in nft.script()
    assert list(mark.parent.glob(mark.name))
    await ports.close("pod")
    assert nft.script() == REMOVE
    assert not list(mark.parent.glob(mark.name))
    await ports.close("pod")
    await ports.settle()


async def test_pods_without_ports_write_nothing(nft: Nft, mark: Path) -> None:
    ports = HostPorts(str(mark), on=True)
    await ports.open("pod", ())
    await ports.close("pod")
    assert nft.script() == ""


async def test_what_could_not_be_written_is_told_and_written_later(nft: Nft, mark: Path) -> None:
    ports = HostPorts(str(mark), on=True)
    await ports.open("pod", (PORT,))
    nft.breaks()
    with pytest.raises(Unavailable, match="no netlink"):
        await ports.close("pod")
    with pytest.raises(Unavailable):
        await ports.settle()
    nft.works()
    await ports.settle()
    assert nft.script() == REMOVE


async def test_the_next_daemon_takes_over(nft: Nft, mark: Path) -> None:
    await HostPorts(str(mark), on=True).open("pod", (PORT,))
    successor = HostPorts(str(mark), on=True)
    await successor.start([("other", (replace(PORT, host_port=9090),))])
    assert "tcp . 9090" in nft.script() and "tcp . 8080" not in nft.script()


async def test_when_plugins_serve_them_an_earlier_daemons_go(nft: Nft, mark: Path) -> None:
    await HostPorts(str(mark), on=True).open("pod", (PORT,))
    successor = HostPorts(str(mark), on=False)
    await successor.start([("pod", (PORT,))])
    assert nft.script() == REMOVE
    await successor.open("pod", (PORT,))
    assert nft.script() == REMOVE


async def test_without_a_firewall_program_the_remedy_is_told(
    tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FailedPrecondition, match="install nftables"):
        await HostPorts(str(mark), on=True).open("pod", (PORT,))
