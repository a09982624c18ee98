"""A newer lock file from published sums, which an HTTP server on loopback serves here."""

import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from orlop.cli.node import node
from orlop.node import lock
from orlop.node.refreshing import ARCHITECTURES, dumps

LOCK = resources.files("orlop.node").joinpath("lock.json").read_text()


class Quiet(SimpleHTTPRequestHandler):
    """Serves the directory and tells nobody."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a server on loopback publishes; stable-1.36.txt and the like are below it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "www").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: Quiet(*given, directory=str(tmp_path / "www")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    place = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr("orlop.node.refreshing.STABLE", place + "/stable-{minor}.txt")
    (tmp_path / "place").write_text(place)
    yield tmp_path / "www"
    server.shutdown()
    thread.join()
    server.server_close()


def written(published: Path, versions: dict[str, str], **artefact: Any) -> Path:
    """A lock file of one minor and one artefact, kubelet."""
    place = (published.parent / "place").read_text()
    release = {"patch": versions["kubelet"], "images": {}, "versions": versions, "networks": {}}
    kubelet = {"url": place + "/v{version}/{arch}/kubelet", "sums": "{url}.sha256", "digests": {}, **artefact}
    path = published.parent / "lock.json"
    path.write_text(dumps({"format": 1, "kubernetes": {"1.36": release}, "artefacts": {"kubelet": kubelet}}))
    return path


def publish(published: Path, name: str, text: str) -> None:
    (published / name).parent.mkdir(parents=True, exist_ok=True)
    (published / name).write_text(text)


def run(path: Path, *options: str) -> Any:
    return CliRunner().invoke(node, ["refresh", "--lock", str(path), *options])


def test_the_lock_file_is_written_as_the_refresh_writes_it() -> None:
    assert dumps(json.loads(LOCK)) == LOCK


def test_a_new_patch_comes_with_its_digests_and_the_difference_is_shown_first(published: Path) -> None:
    path = written(published, {"kubelet": "1.36.4"})
    publish(published, "stable-1.36.txt", "v1.36.5\n")
    publish(published, "v1.36.5/amd64/kubelet.sha256", "a" * 64)
    publish(published, "v1.36.5/arm64/kubelet.sha256", f"{'0' * 64}  other\n{'b' * 64} *kubelet\n")
    before = path.read_text()
    shown = run(path)
    assert shown.exit_code == 1 and path.read_text() == before
    assert '-      "patch": "1.36.4"' in shown.output and '+      "patch": "1.36.5"' in shown.output
    run(path, "--write")
    found = json.loads(path.read_text())["artefacts"]["kubelet"]["digests"]["1.36.5"]
    assert found == {"amd64": "a" * 64, "arm64": "b" * 64}
    assert run(path).exit_code == 0


def test_what_is_not_published_stays_unknown_and_is_told(published: Path) -> None:
    path = written(published, {"kubelet": "1.36.4"})
    publish(published, "stable-1.36.txt", "v1.36.4")
    told = run(path).output
    assert told.count("whoever uses it must supply the digest") == 2
    assert "404" in told


def test_a_known_digest_is_never_replaced(published: Path) -> None:
    digests = {"1.36.4": dict.fromkeys(ARCHITECTURES, "c" * 64)}
    path = written(published, {"kubelet": "1.36.4"}, digests=digests)
    publish(published, "stable-1.36.txt", "v1.36.4")
    publish(published, "v1.36.4/amd64/kubelet.sha256", "d" * 64)
    told = run(path, "--write").output
    assert "find out why; nothing changed" in told
    assert json.loads(path.read_text())["artefacts"]["kubelet"]["digests"] == digests


@pytest.mark.parametrize("said", ["v1.37.1", "v1.36.3", "<html>"])
def test_another_minor_an_older_patch_or_no_version_is_refused(published: Path, said: str) -> None:
    path = written(published, {"kubelet": "1.36.4"})
    publish(published, "stable-1.36.txt", said)
    assert f"stable-1.36.txt says {said.removeprefix('v')!r}" in run(path).output or "is older" in run(path).output
    assert '"patch": "1.36.4"' in path.read_text()


def test_sums_are_known_for_whatever_has_digests() -> None:
    known = {name for name, artefact in lock.load().artefacts.items() if artefact.sums}
    assert {"kubelet", "kubeadm", "kubectl", "crictl", "cni-plugins", "runc", "etcd"} <= known
