"""Kata as a node gets it: a release by its digest, through the role itself, with the Rust shim or the Go shim.

The release is made up and has the real one's layout; no virtual machine is booted. /opt and /var/lib are the machine's
own with a layer of the test's above, so nothing of this machine changes.
"""

import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.harness.node import RUNTIME

ROOT = Path(__file__).resolve().parents[3]
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
GO, RUST = "/opt/kata/bin/containerd-shim-kata-v2", "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2"
DEFAULTS = "/opt/kata/share/defaults/kata-containers"
HANDLERS = {
    "kata-go": {"type": "shim", "path": GO, "config_path": f"{DEFAULTS}/configuration-qemu.toml"},
    "kata-rust": {"type": "shim", "path": RUST, "config_path": f"{DEFAULTS}/runtime-rs/configuration.toml"},
}
ARCHIVES = {"kata-go-static": "kata-go", "kata-static": "kata-rust"}
"""Release 4 has an archive for each shim: the lock file's names, and the handler whose shim is in it."""
DEVICES = ("/dev/kvm", "/dev/vhost-vsock", "/dev/vhost-net")


class Machine:
    """This machine with changes that are kept in a directory."""

    def __init__(self, base: Path) -> None:
        self._base = base
        for name in ("opt", "lib"):
            for part in ("upper", "work"):
                (base / name / part).mkdir(parents=True)

    def run(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command on it."""
        mount = "mount -t overlay overlay -o lowerdir=$2,upperdir=$1/upper,workdir=$1/work $2"
        script = f'over() {{ {mount}; }}; over $1/opt /opt && over $1/lib /var/lib && shift && exec "$@"'
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(self._base), *argv]
        env = {"PATH": os.environ["PATH"], "HOME": str(self._base), **environment}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    def path(self, name: str) -> Path:
        """Where a path below /opt is kept."""
        return self._base / "opt/upper" / name.removeprefix("/opt/")


@pytest.fixture
def machine() -> Iterator[Machine]:
    # Not in pytest's directory: an upper directory needs a filesystem that can be one, as the tests' nodes do.
    base = Path(tempfile.mkdtemp(prefix="orlop-kata-", dir="/tmp"))
    yield Machine(base)
    shutil.rmtree(base)


@pytest.fixture
def release(tmp_path: Path) -> Iterator[dict[str, dict[str, str]]]:
    """The archives on loopback, as a declaration's `artefacts` name them."""
    served = tmp_path / "served"
    served.mkdir()
    for name, handler in ARCHIVES.items():
        _pack(tmp_path / name, HANDLERS[handler], served / f"{name}.tar.zst")
    serve = partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        yield {
            name: {
                "url": f"{address}/{name}.tar.zst",
                "sha256": hashlib.sha256((served / f"{name}.tar.zst").read_bytes()).hexdigest(),
            }
            for name in ARCHIVES
        }
        server.shutdown()
        thread.join()


def _pack(tree: Path, handler: dict[str, str], archive: Path) -> None:
    for path, mode in ((handler["path"], 0o755), (handler["config_path"], 0o644)):
        file = tree / path.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_text(f"#!/bin/sh\n# {path}\n")
        file.chmod(mode)
    subprocess.run(["tar", "--zstd", "-C", tree, "-cf", archive, "./opt"], check=True)


def apply(machine: Machine, base: Path, declaration: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Let the role oci_runtime bring what the declaration needs."""
    playbook = base / "playbook.yml"
    play = {"hosts": "localhost", "connection": "local", "gather_subset": ["!all", "min"]}
    play |= {"roles": ["orlop.node.oci_runtime"], "vars": {"orlop_node": declaration}}
    playbook.write_text(json.dumps([play]))
    environment = {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(base / "home"),
        "ANSIBLE_REMOTE_TMP": str(base / "remote"),
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
        "ANSIBLE_NOCOLOR": "1",
    }
    argv = ["--inventory", "localhost,", "--extra-vars", f"ansible_python_interpreter={sys.executable}", str(playbook)]
    return machine.run(str(ANSIBLE), *argv, **environment)


def orlop(machine: Machine, *argv: str) -> subprocess.CompletedProcess[str]:
    """The command on that machine."""
    return machine.run(sys.executable, "-m", "orlop.cli", *argv, PYTHONPATH=str(RUNTIME))


def declared(artefacts: dict[str, dict[str, str]], *handlers: str) -> dict[str, Any]:
    """A node's declaration with runc and some of Kata's handlers."""
    chosen = {name: HANDLERS[name] for name in handlers}
    return {"kubernetes": "1.36", "handlers": {"runc": {}, **chosen}, "artefacts": artefacts}


@pytest.mark.timeout(600)
def test_the_release_of_each_shim_comes_by_its_digest(
    machine: Machine, release: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    wrong = {**release, "kata-static": {**release["kata-static"], "sha256": "0" * 64}}
    refused = apply(machine, tmp_path, declared(wrong, *HANDLERS))
    assert refused.returncode != 0
    assert "checksum" in refused.stdout and "0" * 64 in refused.stdout
    assert not machine.path(RUST).exists()

    done = apply(machine, tmp_path, declared(release, *HANDLERS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CHANGED" in done.stdout
    for handler in HANDLERS.values():
        assert handler["path"] in machine.path(handler["path"]).read_text()
        assert machine.path(handler["path"]).stat().st_mode & 0o777 == 0o755
        assert machine.path(handler["config_path"]).is_file()
    assert not list(machine.path("/opt/").glob("*.zst"))
    again = apply(machine, tmp_path, declared(release, *HANDLERS))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "CHANGED" not in again.stdout


def test_the_chosen_shims_are_rendered_and_what_the_host_lacks_is_told(machine: Machine, tmp_path: Path) -> None:
    declaration, config = tmp_path / "node.json", tmp_path / "etc/orlop/orlop.toml"
    declaration.write_text(json.dumps(declared({}, *HANDLERS)))
    words = ["--declaration", str(declaration), "--output", "dir", "--directory", str(tmp_path)]
    files = orlop(machine, "node", "render", *words)
    assert files.returncode == 0, files.stderr
    rendered = tomllib.loads(config.read_text())["handlers"]
    for name, said in HANDLERS.items():
        assert said.items() <= rendered[name].items()

    def told() -> dict[str, dict[str, str]]:
        checked = orlop(machine, "check", "--config", str(config), "--output", "json")
        found = {each["name"]: each for each in json.loads(checked.stdout)}
        return {name: found[f"handler {name}"] for name in HANDLERS}

    assert all("is not there" in each["detail"] for each in told().values())
    for name, said in HANDLERS.items():
        _pack(tmp_path / name, said, tmp_path / f"{name}.tar.zst")
        unpacked = machine.run("tar", "--zstd", "-C", "/", "-xf", str(tmp_path / f"{name}.tar.zst"))
        assert unpacked.returncode == 0, unpacked.stderr
    lacking = [device for device in DEVICES if not os.path.exists(device)]
    for name, each in told().items():
        assert each["detail"].startswith(HANDLERS[name]["path"])
        assert [device for device in DEVICES if device in each["detail"]] == lacking
        assert (each["state"] == "ok") == (not lacking)
