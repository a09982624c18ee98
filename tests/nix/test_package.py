"""The package, built for real: in Nix's sandbox, on the host's Python, from wheels; and the installed daemon, started.

nixpkgs is a stand-in (tests/nix/nixpkgs), so how nixpkgs would build it is not shown here; that nix/package.nix names
everything the package needs to be built, imported and run is.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.config.loader import load
from orlop.node.declaring import declare
from orlop.node.render import render
from tests.harness import nix
from tests.parts.wheels import NoWheelsError, wheels

pytestmark = [pytest.mark.root, pytest.mark.timeout(1200)]
ROOT = nix.ROOT
DECLARATION = {"kubernetes": "1.36", "daemon": {"container": {"stop_timeout": 2.5}, "network": {"plugin_dirs": ["/p"]}}}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("package")


def _build(place: Path, expression: str) -> Path:
    """The output of a derivation, built in the sandbox."""
    try:
        found = wheels()
    except NoWheelsError as error:
        pytest.skip(f"no wheels to build from: {error}")
    interpreter = os.path.realpath(sys.executable)
    # The host's programs and its Python: what nixpkgs would bring. Debian's names for iptables are in alternatives.
    places = ["/bin", "/usr", "/lib", "/lib64", "/etc/alternatives", sys.base_prefix, str(found)]
    visible = [path for path in dict.fromkeys(places) if Path(path).exists()]
    options = {
        "sandbox": "true",
        "sandbox-fallback": "false",
        "sandbox-paths": " ".join(visible),
        "build-users-group": "",
        "substituters": "",
    }
    whole = f"""
      let pkgs = import {ROOT}/tests/nix/nixpkgs {{ python = "{interpreter}"; wheels = "{found}"; }};
      in {expression}
    """
    argv = ["nix-build", "--no-out-link", *(word for pair in options.items() for word in ("--option", *pair)), "-"]
    done = nix.run(argv, place, stdin=whole)
    assert done.returncode == 0, done.stderr[-4000:]
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def package(place: Path) -> Path:
    return _build(place, f"(import {ROOT}/nix {{ inherit pkgs; }}).orlop")


@pytest.fixture(scope="module")
def rendered(place: Path, package: Path) -> Path:
    """The module's own build step as a derivation: the package renders and checks the node's files in the sandbox."""
    return _build(
        place,
        f"""(pkgs.lib.evalModules {{
          modules = [
            {ROOT}/tests/nix/nixos.nix {ROOT}/nix/modules
            {{ services.orlop = {{
                enable = true;
                kubernetes = "1.36";
                settings = {{ container.stop_timeout = 2.5; network.plugin_dirs = [ "/p" ]; }};
            }}; }}
          ];
          specialArgs = {{ inherit pkgs; }};
        }}).config.services.orlop.rendered""",
    )


@pytest.fixture
def daemon(package: Path, tmp_path: Path) -> Iterator[Path]:
    """The socket of the installed daemon, which has no PATH but the package's own."""
    socket, config = tmp_path / "orlop.sock", tmp_path / "orlop.toml"
    paths = {"socket": socket, "state_dir": tmp_path / "state", "root_dir": tmp_path / "root"}
    lines = [f'{name} = "{path}"' for name, path in paths.items()]
    handlers = [
        "[handlers.runc]",
        "[handlers.crun]",
        "[network]",
        f'conf_dir = "{tmp_path}"',
        f'cache_dir = "{tmp_path}"',
    ]
    config.write_text("\n".join(["[daemon]", *lines, *handlers]) + "\n")
    with open(tmp_path / "log", "wb") as log:
        argv = [str(package / "bin" / "orlopd"), "--config", str(config)]
        process = subprocess.Popen(argv, env={"PATH": "/nonexistent"}, stdout=log, stderr=log)
        try:
            _wait_for(socket, process, tmp_path / "log")
            yield socket
        finally:
            process.terminate()
            process.wait(60)


def _wait_for(socket: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + 60
    while not socket.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.1)


def test_the_installed_daemon_serves_and_finds_its_programs(package: Path, daemon: Path) -> None:
    argv = [str(package / "bin" / "orlop"), "status", "--socket", str(daemon), "--output", "json"]
    done = subprocess.run(argv, env={"PATH": "/nonexistent"}, check=False, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    status: dict[str, Any] = json.loads(done.stdout)
    assert {"runc", "crun"} <= set(json.dumps(status).replace('"', " ").split())


def test_programs_that_it_starts_are_on_its_path(package: Path) -> None:
    wrapper = (package / "bin" / "orlopd").read_text()
    path = next(line for line in wrapper.splitlines() if "PATH=" in line).partition('"')[2].rpartition(":$PATH")[0]
    for name in ("conmon", "conntrack", "crun", "iptables", "nft", "runc"):
        assert shutil.which(name, path=path), name


def test_the_sandboxed_step_writes_what_the_roles_write(rendered: Path, package: Path) -> None:
    command = [sys.executable, "-c", "from orlop.cli.main import main; main()", "node", "render", "--declaration", "-"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}
    program = ["--program", f"{package}/bin/orlopd"]
    done = subprocess.run(
        [*command, *program], env=env, input=json.dumps(DECLARATION), check=True, capture_output=True, text=True
    )
    files = {file["path"]: file["content"] for file in json.loads(done.stdout)}
    written = {f"/{path.relative_to(rendered)}": path.read_text() for path in rendered.rglob("*") if path.is_file()}
    assert written == files


def test_the_daemons_own_loader_reads_the_generated_file(rendered: Path) -> None:
    path = rendered / "etc" / "orlop" / "orlop.toml"
    loaded = load(str(path))
    assert loaded.config.container.stop_timeout == 2.5
    assert loaded.config.images.pause_image == tomllib.loads(path.read_text())["images"]["pause_image"]


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered units of a member, whose programs are on this machine."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here (Debian: systemd)")
    member = declare({"member": {"role": "worker", "discovery_file": "/etc/d.conf"}})
    place = tmp_path_factory.mktemp("units")
    for file in render(member, program="/bin/true", kubelet="/bin/true"):
        target = place / file.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.content)
    return place / "etc" / "systemd" / "system"


@pytest.mark.parametrize("name", ["orlop", "kubelet"])
def test_systemd_finds_no_fault_with_the_units(units: Path, name: str) -> None:
    argv = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(units / f"{name}.service")]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_hardening_is_what_it_says(units: Path) -> None:
    """What containers would inherit stays off, on purpose; what costs nothing is on."""
    argv = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--json=short", str(units / "orlop.service")]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    rows = {row["json_field"]: row["set"] for row in json.loads(done.stdout)}
    assert rows["NotifyAccess"] is True and rows["KeyringMode"] is True, rows
    for name in ("NoNewPrivileges", "PrivateMounts", "ProtectSystem", "RestrictNamespaces"):
        field = next(key for key in rows if key.startswith(name))
        assert rows[field] is False, field
