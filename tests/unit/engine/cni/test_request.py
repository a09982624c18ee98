"""The environment and standard input that the specification wants."""

import json

from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.conflist import parse
from orlop.engine.cni.request import base_environment, request_for, stdin_for, stdin_without_pod

CONFIG = parse(
    json.dumps(
        {
            "cniVersion": "0.4.0",
            "name": "net",
            "plugins": [
                {
                    "type": "portmap",
                    "name": "overruled",
                    "capabilities": {"portMappings": True, "dns": True, "ipRanges": False},
                    "snat": True,
                    "cni.dev/attachments": [],
                }
            ],
        }
    ).encode(),
    "x",
)
POD = Attachment(pod_id="abc", namespace="web", name="front", uid="u-1", netns="/run/ns/net")


def test_the_environment_names_the_attachment() -> None:
    assert request_for(POD, {}).environment() == {
        "CNI_CONTAINERID": "abc",
        "CNI_NETNS": "/run/ns/net",
        "CNI_IFNAME": "eth0",
        "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=front;"
        "K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=u-1",
    }


def test_what_systemd_meant_for_the_daemon_stays_with_it() -> None:
    inherited = {"PATH": "/bin", "NOTIFY_SOCKET": "/run/x", "LISTEN_FDS": "1", "CNI_IFNAME": "stale"}
    assert base_environment(inherited, ["/a", "/b"]) == {"PATH": "/bin", "CNI_PATH": "/a:/b"}


def test_a_plugin_gets_its_own_keys_and_what_it_asked_for() -> None:
    request = request_for(POD, {"portMappings": [{"hostPort": 1}], "ipRanges": [], "mac": "x"})
    stdin = stdin_for(CONFIG, CONFIG.plugins[0], request, b'{"cniVersion": "0.4.0", "n": 1.0}')
    assert json.loads(stdin) == {
        "type": "portmap",
        "name": "net",
        "cniVersion": "0.4.0",
        "snat": True,
        "runtimeConfig": {"portMappings": [{"hostPort": 1}]},
        "prevResult": {"cniVersion": "0.4.0", "n": 1.0},
    }


def test_the_first_plugin_has_no_previous_result_and_none_is_invented() -> None:
    stdin = json.loads(stdin_for(CONFIG, CONFIG.plugins[0], request_for(POD, {}), None))
    assert "prevResult" not in stdin
    assert "runtimeConfig" not in stdin


def test_gc_names_the_valid_attachments() -> None:
    stdin = json.loads(stdin_without_pod(CONFIG, CONFIG.plugins[0], [("abc", "eth0")]))
    assert stdin["cni.dev/valid-attachments"] == [{"containerID": "abc", "ifname": "eth0"}]
    assert "cni.dev/valid-attachments" not in json.loads(stdin_without_pod(CONFIG, CONFIG.plugins[0]))
