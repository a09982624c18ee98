"""NRI with real plugins, on the library that plugins are built with: what they see and what they may change."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.harness.node import Node
from tests.harness.pods import eventually
from tests.parts.nri_node import NriNode, names, started
from tests.parts.tools import tool

MEMORY = 256 << 20
WAIT = "until [ -e /tmp/go ]; do sleep 0.05; done; exit 7"


@pytest.fixture(scope="module")
def shared(new_node: Callable[..., Node], image: str) -> Iterator[NriNode]:
    """A node with NRI for the tests that do not stop it. Plugins have ten seconds: the machine may be slow."""
    tool("nri-plugin")
    with new_node() as node:
        yield started(node, image)


@pytest.fixture
def nri(shared: NriNode) -> Iterator[NriNode]:
    """The shared node, without plugins before and after."""
    yield shared
    shared.cleared()


def test_a_plugin_is_told_of_a_pods_and_a_containers_whole_life_in_order(nri: NriNode) -> None:
    plugin = nri.plugin()
    pod = nri.pods.run(labels={"app": "web"}, annotations={"note": "x"})
    container = pod.create("sh", "-c", WAIT, envs=[{"key": "A", "value": b"b"}], labels={"tier": "back"})
    container.start().sh("touch /tmp/go")
    container.wait()
    container.remove()
    pod.stop()
    pod.stop()
    pod.remove()
    assert names(plugin.told()) == [
        "Configure",
        "Synchronize",
        "RunPodSandbox",
        "CreateContainer",
        "PostCreateContainer",
        "StartContainer",
        "PostStartContainer",
        "StopContainer",
        "RemoveContainer",
        "StopPodSandbox",
        "RemovePodSandbox",
    ]
    configured, *_ = plugin.told("Configure")
    assert (configured.line["runtime"], configured.line["version"]) == ("orlop", "0.1.0")
    ran, *_ = plugin.told("RunPodSandbox")
    metadata = pod.config["metadata"]
    assert (ran.pod["id"], ran.pod["name"], ran.pod["uid"]) == (pod.id, metadata["name"], metadata["uid"])
    assert (ran.pod["namespace"], ran.pod["labels"], ran.pod["annotations"]) == ("test", {"app": "web"}, {"note": "x"})
    assert ran.pod["ips"]
    assert {each["type"] for each in ran.pod["linux"]["namespaces"]} == {"network", "ipc", "uts"}
    created, *_ = plugin.told("CreateContainer")
    about = created.container
    assert (about["id"], about["pod_sandbox_id"], about["name"]) == (
        container.id,
        pod.id,
        container.config["metadata"]["name"],
    )
    assert (about["state"], about["args"], about["labels"]) == (
        "CONTAINER_CREATED",
        ["sh", "-c", WAIT],
        {"tier": "back"},
    )
    assert "A=b" in about["env"]
    assert "/etc/resolv.conf" in {mount["destination"] for mount in about["mounts"]}
    assert container.id in about["linux"]["cgroups_path"]
    stopped, *_ = plugin.told("StopContainer")
    assert (stopped.container["state"], stopped.container["exit_code"]) == ("CONTAINER_STOPPED", 7)


def test_every_kind_of_adjustment_is_found_in_the_container(nri: NriNode, tmp_path: Path) -> None:
    (tmp_path / "hello").write_text("from the plugin")
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ncat >{tmp_path}/state\n")
    hook.chmod(0o755)
    adjust = {
        "annotations": {"plugin.example/was": "here"},
        "mounts": [{"destination": "/given", "type": "bind", "source": str(tmp_path), "options": ["rbind", "ro"]}],
        "env": [{"key": "ADDED", "value": "1"}, {"key": "CHANGED", "value": "new"}, {"key": "-GONE"}],
        "args": ["sh", "-c", "echo adjusted; trap 'exit 0' TERM; sleep 100000 & wait"],
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": "321", "hard": "321"}],
        "hooks": {"create_runtime": [{"path": str(hook)}]},
        "linux": {
            "devices": [{"path": "/dev/given", "type": "c", "major": "1", "minor": "5", "file_mode": {"value": 0o666}}],
            "resources": {
                "memory": {"limit": {"value": str(MEMORY)}},
                "cpu": {"shares": {"value": "512"}, "cpus": "0"},
                "pids": {"limit": "77"},
            },
            "oom_score_adj": {"value": "900"},
            "sysctl": {"net.ipv4.ip_default_ttl": "99"},
        },
    }
    # The network namespace is the pod's, so a container may not set its sysctls: that one is looked at in the file.
    sysctl = adjust["linux"].pop("sysctl")  # type: ignore[attr-defined]
    assert sysctl
    plugin = nri.plugin(script={"CreateContainer": {"adjust": adjust}})
    envs = [{"key": "CHANGED", "value": b"old"}, {"key": "GONE", "value": b"x"}]
    container = nri.pods.run().start("sh", "-c", "exit 1", envs=envs)
    eventually(lambda: container.output() == "adjusted\n", seconds=30)
    assert container.sh("cat /given/hello; touch /given/x 2>/dev/null || echo no") == "from the pluginno"
    assert container.sh("echo $ADDED $CHANGED ${GONE-unset}") == "1 new unset"
    assert container.sh("head -c 2 /dev/given | od -An -tx1").split() == ["00", "00"]
    assert container.sh("grep 'open files' /proc/1/limits").split()[3:5] == ["321", "321"]
    assert container.sh("cat /proc/1/oom_score_adj") == "900"
    assert container.sh("grep Cpus_allowed_list /proc/1/status").split()[1] == "0"
    assert json.loads((tmp_path / "state").read_text())["id"] == container.id
    config = container.info()["runtimeSpec"]
    assert config["annotations"]["plugin.example/was"] == "here"
    assert config["linux"]["resources"]["pids"] == {"limit": 77}
    limits = container.status().resources.linux
    assert (limits.memory_limit_in_bytes, limits.cpu_shares, limits.cpuset_cpus) == (MEMORY, 512, "0")
    told, *_ = plugin.told("PostCreateContainer")
    assert told.container["linux"]["resources"]["memory"]["limit"]["value"] == str(MEMORY)
    assert "ADDED=1" in told.container["env"]


def test_a_cdi_device_is_injected(nri: NriNode) -> None:
    device = {"name": "one", "containerEdits": {"env": ["CDI=injected"]}}
    kind = {"cdiVersion": "0.5.0", "kind": "vendor.example/thing", "devices": [device]}
    (nri.cdi / "vendor.json").write_text(json.dumps(kind))
    nri.plugin(script={"CreateContainer": {"adjust": {"CDI_devices": [{"name": "vendor.example/thing=one"}]}}})
    assert nri.pods.run().start().sh("echo $CDI") == "injected"


def test_another_cgroup_is_followed(nri: NriNode) -> None:
    pod = nri.pods.run()
    plain = pod.start()
    other = f"{os.path.dirname(plain.info()['cgroup'])}/of-a-plugin"
    nri.plugin(script={"CreateContainer": {"adjust": {"linux": {"cgroups_path": other}}}})
    container = pod.start()
    assert container.info()["cgroup"] == other
    assert f":{other}" in container.sh("cat /proc/self/cgroup")
    stats = nri.node.cri("ContainerStats", container_id=container.id).stats
    assert stats.memory.working_set_bytes.value > 0
    container.stop()
    container.remove()


def test_two_plugins_that_contradict_each_other_are_told_with_theirnames(nri: NriNode) -> None:
    set_env = {"env": [{"key": "WHO", "value": "first"}]}
    override = {"env": [{"key": "-WHO"}, {"key": "WHO", "value": "third"}]}
    pod = nri.pods.run()
    first = nri.plugin("first", index="10", script={"CreateContainer": {"adjust": set_env}})
    second = nri.plugin("second", index="20", script={"CreateContainer": {"adjust": set_env}})
    with pytest.raises(grpc.RpcError, match=r"10-first and 20-second both change env 'WHO'"):
        pod.create()
    assert not nri.node.cri("ListContainers").containers
    assert names(first.told("CreateContainer", "RemoveContainer")) == ["CreateContainer", "RemoveContainer"]
    nri.close(second)
    third = nri.plugin("third", index="15", script={"CreateContainer": {"adjust": override}})
    assert pod.start().sh("echo $WHO") == "third"
    # In the order of their indices: the second one saw what the first one had done.
    assert "WHO=first" in third.told("CreateContainer")[-1].container["env"]


def test_a_plugin_may_refuse_what_begins_but_not_what_ends(nri: NriNode) -> None:
    everything = ("RunPodSandbox", "CreateContainer", "StartContainer", "UpdateContainer", "StopContainer")
    ends = ("RemoveContainer", "StopPodSandbox", "RemovePodSandbox")
    script = {event: {"error": f"no {event} here", "only": "bad"} for event in (*everything, *ends)}
    plugin = nri.plugin(script=script)
    name = {"name": "bad", "uid": "u", "namespace": "test"}
    with pytest.raises(grpc.RpcError, match="10-test refuses RunPodSandbox: no RunPodSandbox here"):
        nri.pods.run(metadata=name)
    assert not nri.node.cri("ListPodSandbox").items
    pod = nri.pods.run()
    with pytest.raises(grpc.RpcError, match="no CreateContainer here"):
        pod.create(metadata={"name": "bad"})
    good = pod.start()
    limits = {"linux": {"cpu_shares": 300}}
    nri.node.cri("UpdateContainerResources", container_id=good.id, **limits)
    assert good.status().resources.linux.cpu_shares == 300
    pod.remove()
    assert [told.pod["id"] for told in plugin.told("RemovePodSandbox")][-1] == pod.id


def test_a_start_that_is_refused_can_be_tried_again(nri: NriNode) -> None:
    pod = nri.pods.run()
    refusing = nri.plugin(script={"StartContainer": {"error": "not now"}})
    container = pod.create()
    with pytest.raises(grpc.RpcError, match="not now"):
        container.start()
    nri.close(refusing)
    container.start()
    assert container.sh("echo yes") == "yes"


def test_updates_of_others_of_the_same_and_unasked_ones(nri: NriNode) -> None:
    def limit(name: str, shares: int) -> dict[str, Any]:
        resources = {"cpu": {"shares": {"value": str(shares)}}}
        return {"container_id": f"@{name}", "linux": {"resources": resources}}

    script = {
        "CreateContainer": {"only": "second", "update": [limit("first", 111)]},
        "PostStartContainer": {"only": "second", "unsolicited": [limit("first", 222), limit("nobody", 5)]},
        "UpdateContainer": {"only": "second", "update": [limit("second", 444), limit("first", 333)]},
        "StopContainer": {"only": "second", "update": [limit("first", 555)]},
    }
    plugin = nri.plugin(script=script)
    pod = nri.pods.run()
    first = pod.start(metadata={"name": "first"})

    def shares() -> int:
        return int(first.status().resources.linux.cpu_shares)

    second = pod.create(metadata={"name": "second"})
    assert shares() == 111
    second.start()
    eventually(lambda: plugin.told("UpdateContainers"), seconds=30)
    assert plugin.told("UpdateContainers")[0].line == {"event": "UpdateContainers", "failed": 1}
    assert shares() == 222
    wanted = {"cpu_shares": 777, "memory_limit_in_bytes": MEMORY}
    nri.node.cri("UpdateContainerResources", container_id=second.id, linux=wanted)
    told, *_ = plugin.told("UpdateContainer")
    assert told.line["more"][0]["cpu"]["shares"]["value"] == "777"
    limits = second.status().resources.linux
    assert (limits.cpu_shares, limits.memory_limit_in_bytes) == (444, MEMORY)
    assert shares() == 333
    assert plugin.told("PostUpdateContainer")
    second.stop(grace=0)
    assert shares() == 555


def test_updates_of_a_pod_are_told(nri: NriNode) -> None:
    plugin = nri.plugin()
    pod = nri.pods.run()
    nri.node.cri("UpdatePodSandboxResources", pod_sandbox_id=pod.id, resources={"cpu_shares": 99})
    asked, *_ = plugin.told("UpdatePodSandbox")
    assert asked.line["more"][1]["cpu"]["shares"]["value"] == "99"
    told, *_ = plugin.told("PostUpdatePodSandbox")
    assert told.pod["linux"]["pod_resources"]["cpu"]["shares"]["value"] == "99"


def test_a_validating_plugin_sees_who_changed_what_and_may_reject_it(nri: NriNode) -> None:
    adjust = {"env": [{"key": "X", "value": "1"}], "linux": {"oom_score_adj": {"value": "500"}}}
    nri.plugin("changes", index="10", script={"CreateContainer": {"adjust": adjust}})
    reject = {"ValidateContainerAdjustment": {"only": "bad", "error": "not on this node"}}
    judge = nri.plugin("judge", index="90", script=reject)
    pod = nri.pods.run()
    with pytest.raises(grpc.RpcError, match="90-judge rejects the adjustments: not on this node"):
        pod.create(metadata={"name": "bad"})
    pod.create(metadata={"name": "good"})
    told = judge.told("ValidateContainerAdjustment")[-1].line["more"][0]
    container_id = told["container"]["id"]
    owners = told["owners"]["owners"][container_id]
    assert owners["simple"] == {"29": "10-changes"}
    assert owners["compound"] == {"6": {"owners": {"X": "10-changes"}}}
    assert "X=1" not in told["container"]["env"]
    assert told["adjust"]["env"] == [{"key": "X", "value": "1"}]
    assert {plugin["name"] for plugin in told["plugins"]} == {"changes", "judge"}
