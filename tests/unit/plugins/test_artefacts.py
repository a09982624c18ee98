"""Programs by version and digest: from files, an HTTP server and a bundle, and what is refused."""

import hashlib
import http.server
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.conftest import load

KUBELET = b"#!/bin/sh\necho first\n"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Machine:
    """A machine's places, below a directory."""

    def __init__(self, root: Path) -> None:
        self.module = load("module_utils.artefacts")
        self.root, self.links = root, root / "bin"
        self.links.mkdir()
        self.record = load("module_utils.record").Record(str(root / "record"))

    def converge(self, url: object, content: bytes = KUBELET, version: str = "1.36.4", *, check: bool = False) -> Any:
        store = self.module.Store(str(self.root / "opt/k"), str(self.links), str(self.root / "bundle"), self.record)
        wanted = {"name": "kubelet", "version": version, "url": str(url), "sha256": digest(content)}
        return store.converge([wanted], check)

    def put(self, content: bytes, name: str = "source") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server of the directory."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(tmp_path))

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()
        thread.join()


def test_a_program_comes_once_and_is_linked(machine: Machine) -> None:
    source = machine.put(KUBELET)
    assert machine.converge(source, check=True)["changed"] and not os.listdir(machine.links)
    assert machine.converge(source)["renewed"] == ["kubelet"]
    link = machine.links / "kubelet"
    assert link.read_bytes() == KUBELET and os.access(link, os.X_OK)
    assert machine.record.links == {str(link): os.readlink(link)}
    assert machine.record.trees == [str(machine.root / "opt/k")]
    source.unlink()
    assert not machine.converge(source)["changed"], "what is there whole is not fetched again"


def test_a_new_version_leaves_the_one_before_and_no_older_one(machine: Machine) -> None:
    for number in range(4):
        content = KUBELET + bytes([number])
        machine.converge(machine.put(content), content, f"1.36.{number}")
    kept = sorted(name[:14] for name in os.listdir(machine.root / "opt/k"))
    assert kept == ["kubelet-1.36.2", "kubelet-1.36.3"]
    assert machine.converge(machine.put(content), content, "1.36.3")["changed"] is False


def test_it_comes_from_a_server(machine: Machine, server: str) -> None:
    machine.put(KUBELET, "served/kubelet")
    machine.converge(f"{server}/served/kubelet")
    assert (machine.links / "kubelet").read_bytes() == KUBELET
    with pytest.raises(machine.module.WrongArtefact, match=r"cannot be fetched from .*404.*artefacts\.kubelet\.url"):
        machine.converge(f"{server}/served/none", b"other")


def test_the_bundle_is_asked_before_the_address(machine: Machine) -> None:
    machine.put(KUBELET, f"bundle/artefacts/{digest(KUBELET)}")
    machine.converge("https://nowhere.invalid/kubelet")
    assert (machine.links / "kubelet").read_bytes() == KUBELET


def test_another_content_is_refused_and_leaves_what_was_in_use(machine: Machine) -> None:
    machine.converge(machine.put(KUBELET))
    with pytest.raises(machine.module.WrongArtefact, match=r"artefacts\.kubelet\.sha256 in the declaration"):
        machine.converge(machine.put(b"evil"), b"good", "1.36.5")
    assert (machine.links / "kubelet").read_bytes() == KUBELET
    assert len(os.listdir(machine.root / "opt/k")) == 1, "no half file stays"


def test_a_program_of_others_is_not_replaced(machine: Machine) -> None:
    (machine.links / "kubelet").write_text("a package's")
    with pytest.raises(machine.module.WrongArtefact, match="kubernetes_install: false"):
        machine.converge(machine.put(KUBELET))
    assert (machine.links / "kubelet").read_text() == "a package's"


def test_an_archive_gives_the_file_of_the_name(machine: Machine) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("kubelet", KUBELET), ("LICENSE", b"text")):
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    machine.converge(machine.put(packed.getvalue()), packed.getvalue())
    assert (machine.links / "kubelet").read_bytes() == KUBELET


def test_more_bytes_than_a_program_can_have_are_not_taken(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.module, "LARGEST", 4)
    with pytest.raises(machine.module.WrongArtefact, match="larger than 4 bytes"):
        machine.converge(machine.put(KUBELET))


def test_programs_of_one_archive_come_by_one_fetch(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as written:
        for name in ("bridge", "loopback"):
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(name)
            written.addfile(member, io.BytesIO(name.encode()))
    source = machine.put(archive.getvalue(), "plugins.tgz")
    fetched: list[str] = []
    real = machine.module.fetch
    monkeypatch.setattr(machine.module, "fetch", lambda each, *rest: (fetched.append(each["name"]), real(each, *rest)))
    store = machine.module.Store(str(machine.root / "opt/k"), str(machine.links), None, machine.record)
    common = {"version": "1.9.1", "url": str(source), "sha256": digest(archive.getvalue())}
    wanted = [{"name": name, **common} for name in ("bridge", "loopback")]
    assert store.converge(wanted, False)["renewed"] == ["bridge", "loopback"] and fetched == ["bridge"]
    for name in ("bridge", "loopback"):
        assert (machine.links / name).read_text() == name and os.access(machine.links / name, os.X_OK)
    assert not store.converge(wanted, False)["changed"]
    with pytest.raises(machine.module.WrongArtefact, match="has 0 files of that name"):
        store.converge([*wanted, {"name": "tuning", **common}], False)
    assert (machine.links / "bridge").read_text() == "bridge"


def test_a_digest_that_nobody_has_said_is_asked_for(machine: Machine) -> None:
    store = machine.module.Store(str(machine.root / "opt/k"), str(machine.links), None, machine.record)
    with pytest.raises(machine.module.WrongArtefact, match=r"has no SHA-256 of crun 1\.17"):
        store.converge([{"name": "crun", "version": "1.17", "url": "/srv/crun", "sha256": ""}], True)
