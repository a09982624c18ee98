"""What the node's own files add to containers: CDI devices, OCI hooks, default resource limits and sysctls."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cri import refused
from tests.harness.node import Node
from tests.harness.pods import CONTAINER, Pods
from tests.integration.lifecycle.conftest import each_handler

DEVICE = "vendor.example/gadget=one"


@dataclass
class Place:
    """A node, and where its files are."""

    base: Path
    node: Node


@pytest.fixture(scope="module")
def place(new_node: Callable[..., Node], image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A node with directories of its own for such files."""
    base = tmp_path_factory.mktemp("node-files")
    container = {
        "cdi_dirs": [f"{base}/cdi-etc", f"{base}/cdi-run"],
        "hooks_dirs": [f"{base}/hooks"],
        "default_ulimits": ["nofile=333:444", "core=0"],
        "default_sysctls": {"net.ipv4.ip_default_ttl": "77", "kernel.msgmax": "9000"},
    }
    with new_node(container=container) as node:
        node.start()
        node.cri("PullImage", image={"image": image})
        warm = Pods(node.cri, image, node.logs)
        warm.run()  # makes the bridge, which stays
        warm.remove_all()
        yield Place(base, node)


@pytest.fixture
def here(place: Place, image: str, handler: str) -> Iterator[Pods]:
    pods = Pods(place.node.cri, image, place.node.logs, handler)
    yield pods
    pods.remove_all()
    for directory in ("cdi-etc", "cdi-run", "hooks"):
        for path in (place.base / directory).glob("*"):
            path.unlink()


def _write(path: Path, content: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def _hook(path: Path, target: Path) -> Path:
    """A hook that writes the container's state, which it gets on standard input."""
    _write(path, f'#!/bin/sh\n(echo "$1 $GADGET"; cat) > {target}\n').chmod(0o755)
    return path


def _specification(base: Path) -> dict[str, Any]:
    hook = _hook(base / "gadget-hook", base / "told")
    return {
        "cdiVersion": "0.6.0",
        "kind": "vendor.example/gadget",
        "containerEdits": {"env": ["GADGETS=all", "PATH=/bin:/gadget"], "additionalGids": [4242]},
        "devices": [
            {
                "name": "one",
                "containerEdits": {
                    "env": ["GADGET=one"],
                    "deviceNodes": [
                        {"path": "/dev/gadget/one", "hostPath": "/dev/full", "permissions": "rw", "fileMode": 0o640}
                    ],
                    "mounts": [
                        {"hostPath": str(base / "firmware"), "containerPath": "/gadget/firmware", "options": ["ro"]}
                    ],
                    "hooks": [
                        {"hookName": "createRuntime", "path": str(hook), "args": ["hook", "one"], "env": ["GADGET=1"]}
                    ],
                },
            },
            {"name": "two", "containerEdits": {"env": ["GADGET=two"]}},
        ],
    }


@each_handler
def test_a_cdi_device_by_field_and_by_annotation(here: Pods, place: Place) -> None:
    _write(place.base / "firmware", "v1")
    _write(place.base / "cdi-etc/gadget.json", _specification(place.base))
    pod = here.run()
    linux = {"security_context": {"namespace_options": {"pid": CONTAINER}, "run_as_user": {"value": 1000}}}
    one = pod.start(CDI_devices=[{"name": DEVICE}], linux=linux)
    assert one.sh("echo $GADGET $GADGETS $PATH; cat /gadget/firmware").split() == ["one", "all", "/bin:/gadget", "v1"]
    assert one.sh("stat -c %t:%T:%a:%u /dev/gadget/one") == "1:7:640:1000"
    assert one.exec("sh", "-c", "echo x > /dev/gadget/one").stderr.endswith(b"No space left on device\n")
    assert "4242" in one.sh("id -G").split()
    told = (place.base / "told").read_text().splitlines()
    assert told[0] == "one 1"
    assert json.loads(told[1])["id"] == one.id
    both = pod.start(
        annotations={"cdi.k8s.io/x": f"{DEVICE}, vendor.example/gadget=two"}, CDI_devices=[{"name": DEVICE}]
    )
    assert both.sh("echo $GADGET; ls /dev/gadget").split() == ["two", "one"]
    assert pod.start().sh("echo $GADGETS; ls /dev").count("gadget") == 0


def test_a_cdi_device_in_a_user_namespace(here: Pods, place: Place) -> None:
    if not place.node.cri("Status").runtime_handlers[0].features.user_namespaces:
        pytest.skip("kernel or filesystem have no idmapped mounts")
    _write(place.base / "firmware", "v1")
    _write(place.base / "cdi-etc/gadget.json", _specification(place.base))
    ids = [{"host_id": 200000, "container_id": 0, "length": 65536}]
    options = {"pid": CONTAINER, "userns_options": {"uids": ids, "gids": ids}}
    linux = {"security_context": {"namespace_options": options}}
    container = here.run(linux=linux).start(linux=linux, CDI_devices=[{"name": DEVICE}])
    assert container.sh("stat -c %t:%T /dev/gadget/one; cat /gadget/firmware").split() == ["1:7", "v1"]
    assert container.exec("sh", "-c", "echo x > /dev/gadget/one").stderr.endswith(b"No space left on device\n")


def test_cdi_files_are_read_when_they_are_needed(here: Pods, place: Place) -> None:
    """Files that came, changed and went while the daemon runs; YAML; a later directory wins."""
    pod = here.run()
    with refused("FAILED_PRECONDITION", DEVICE, "cdi-etc"):
        pod.create(CDI_devices=[{"name": DEVICE}])
    yaml = (
        'cdiVersion: "0.5.0"\nkind: vendor.example/gadget\n'
        "devices:\n- name: one\n  containerEdits: {{env: [GADGET={}]}}\n"
    )
    _write(place.base / "cdi-etc/gadget.yaml", yaml.format("early"))
    assert pod.start(CDI_devices=[{"name": DEVICE}]).sh("echo $GADGET") == "early"
    changed = _write(place.base / "cdi-run/other.yaml", yaml.format("late"))
    assert pod.start(CDI_devices=[{"name": DEVICE}]).sh("echo $GADGET") == "late"
    _write(place.base / "cdi-run/third.yaml", yaml.format("same"))
    with refused("FAILED_PRECONDITION", DEVICE, "both", "other.yaml", "third.yaml"):
        pod.create(CDI_devices=[{"name": DEVICE}])
    changed.write_text(yaml.format("mended").replace("one", "two"))
    assert pod.start(CDI_devices=[{"name": DEVICE}]).sh("echo $GADGET") == "same"
    broken = _write(place.base / "cdi-run/broken.json", {"cdiVersion": "0.6.0", "kind": "a/b", "devcies": []})
    with refused("FAILED_PRECONDITION", "a/b=c", str(broken), "devcies"):
        pod.create(CDI_devices=[{"name": "a/b=c"}])
    with refused("INVALID_ARGUMENT", "CDI_devices[0]", "gadget"):
        pod.create(CDI_devices=[{"name": "gadget"}])


def test_what_a_device_needs_is_named_where_it_is_missing(here: Pods, place: Place) -> None:
    specification = _specification(place.base)
    edits = specification["devices"][1]["containerEdits"]
    path = _write(place.base / "cdi-etc/gadget.json", "")
    edits["deviceNodes"] = [{"path": "/dev/no-such-gadget"}]
    _write(path, specification)
    with refused("FAILED_PRECONDITION", "vendor.example/gadget=two", str(path), "/dev/no-such-gadget"):
        here.run().create(CDI_devices=[{"name": "vendor.example/gadget=two"}])
    specification["devices"][1]["containerEdits"] = {"netDevices": [{"hostInterfaceName": "eth0", "name": "eth1"}]}
    _write(path, specification)
    with refused("UNIMPLEMENTED", "vendor.example/gadget=two", "netDevices"):
        here.run().create(CDI_devices=[{"name": "vendor.example/gadget=two"}])


@each_handler
def test_an_oci_hook_runs_for_containers_that_match(here: Pods, place: Place) -> None:
    target = place.base / f"hooked-{here.handler}"
    program = _hook(place.base / "hook", target)
    when = {"annotations": {"^hooks[.]example/trace$": "^yes$"}, "commands": ["sh$"]}
    hook = {"path": str(program), "args": ["hook", "first"], "env": ["GADGET=g"]}
    _write(
        place.base / "hooks/10-trace.json",
        {"version": "1.0.0", "hook": hook, "when": when, "stages": ["createRuntime"]},
    )
    annotations = {"hooks.example/trace": "yes"}
    pod = here.run()
    pod.start(annotations={"hooks.example/trace": "no"})
    assert not target.exists()
    container = pod.start(annotations=annotations)
    told = target.read_text().splitlines()
    assert told[0] == "first g"
    assert json.loads(told[1])["id"] == container.id
    assert here.run(annotations=annotations).start().info()["runtimeSpec"]["hooks"]["createRuntime"][0]["path"] == str(
        program
    )


def test_a_hook_that_cannot_be_used_lets_nothing_start(here: Pods, place: Place) -> None:
    path = _write(
        place.base / "hooks/20-bad.json", {"version": "2.0.0", "hook": {"path": "/x"}, "when": {}, "stages": []}
    )
    with refused("FAILED_PRECONDITION", str(path), "2.0.0"):
        here.run().create()


@each_handler
def test_default_resource_limits(here: Pods) -> None:
    container = here.run().start()
    # Of the first process: runc 1.1 may lose the soft limit of a command that it executes to Go's own change of it.
    limits = dict(line.split("  ", 1) for line in container.sh("cat /proc/1/limits").splitlines())
    assert limits["Max open files"].split()[:2] == ["333", "444"]
    assert limits["Max core file size"].split()[:2] == ["0", "0"]
    assert container.info()["runtimeSpec"]["process"]["rlimits"][0]["type"] == "RLIMIT_NOFILE"


def test_default_sysctls(here: Pods) -> None:
    """Of every pod that has the namespace; what a pod asks for wins, and the node keeps its own."""
    ttl, messages = (f"/proc/sys/{name}" for name in ("net/ipv4/ip_default_ttl", "kernel/msgmax"))
    mine = [Path(path).read_text() for path in (ttl, messages)]
    assert here.run().start().sh(f"cat {ttl} {messages}").split() == ["77", "9000"]
    asking = here.run(linux={"sysctls": {"net.ipv4.ip_default_ttl": "99"}})
    assert asking.start().sh(f"cat {ttl} {messages}").split() == ["99", "9000"]
    modes = {"security_context": {"namespace_options": {"network": "NODE", "ipc": "NODE"}}}
    assert here.run(linux=modes).start(linux=modes).sh(f"cat {ttl} {messages}").split() == "".join(mine).split()
    assert [Path(path).read_text() for path in (ttl, messages)] == mine
