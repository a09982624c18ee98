"""The kubelet's figures: by cAdvisor on the first node, from the CRI on the second.

cAdvisor knows the cgroups of a runtime that it has no code for, but neither pods' networks nor names: those figures
need the kubelet's gate PodAndContainerStatsFromCRI.
"""

import json
from typing import Any

from tests.lab import places
from tests.lab.transcript import Transcript, expect


def summary(t: Transcript) -> None:
    """The kubelet's summary has CPU and memory of pods and containers, and from the CRI the network of pods"""
    for node in range(1, places.recall()["nodes"] + 1):
        path = f"/api/v1/nodes/{places.node_name(node)}/proxy/stats/summary"
        document = t.until(f"kubectl get --raw {path}", lambda out: _of_client(json.loads(out)), show=False)
        pod = _of_client(json.loads(document))
        shown = {key: pod[key] for key in ("podRef", "cpu", "memory", "network", "containers") if key in pod}
        t.note(f"kubectl get --raw {path}   # the client's part", json.dumps(shown, indent=1)[:2500])
        expect(pod["memory"]["workingSetBytes"] > 0, "the pod's memory")
        if node > 1:
            expect(pod["network"]["rxBytes"] > 0, "the pod's network")
        expect(pod["containers"][0]["memory"]["workingSetBytes"] > 0, "the container's memory")


def metrics(t: Transcript) -> None:
    """/metrics/cadvisor has the figures from the CRI with pod, namespace and container"""
    path = f"/api/v1/nodes/{places.node_name(2)}/proxy/metrics/cadvisor"
    names = "cpu_usage_seconds_total|memory_working_set_bytes|network_receive_bytes_total"
    wanted = f"grep -E '^container_({names}).*pod=\"client'"
    found = t.until(f"kubectl get --raw {path} | {wanted}", lambda out: out.count("\n") >= 3)
    for label in ('namespace="default"', 'pod="client-', 'container="client"'):
        expect(label in found, f"{label} is there")


def _of_client(document: dict[str, Any]) -> dict[str, Any]:
    found = [pod for pod in document["pods"] if pod["podRef"]["name"].startswith("client-")]
    return found[0] if found and found[0].get("containers") and "memory" in found[0] else {}
