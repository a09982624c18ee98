"""Nodes, names, Services."""

import json

from tests.lab import places
from tests.lab.transcript import ASK, Transcript, expect, fetch

REPLICAS = 20
HUNDRED = f"for n in $(seq 100); do {ASK}; done | sort | uniq -c"


def client(t: Transcript, node: int) -> str:
    """Name of the client's pod on a node."""
    where = f"--field-selector spec.nodeName={places.node_name(node)}"
    found = t.sh(f"kubectl get pods -l app=client {where} -o name", show=False).split()
    expect(len(found) == 1, f"one client on node {node}: {found}")
    return found[0]


def nodes(t: Transcript) -> None:
    """Both nodes are Ready with orlop as their runtime"""
    count = places.recall()["nodes"]
    wide = t.until("kubectl get nodes -o wide", lambda out: out.count(" Ready ") == count)
    expect(wide.count("orlop://") == count, "each node says that orlop is its runtime")
    system = "kubectl get pods -A -o wide | grep -E 'NAMESPACE|^kube-'"
    flannel = "flannel" if places.recall()["network"] == "flannel" else ""
    t.until(system, lambda out: all(" Running " in line for line in out.splitlines()[1:]) and flannel in out)


def names(t: Transcript) -> None:
    """CoreDNS answers to pods on each node"""
    t.until("kubectl -n kube-system get deployment coredns", lambda out: "2/2" in out)
    t.sh("kubectl apply -f /root/lab/workload.yaml")
    t.sh("kubectl rollout status daemonset/client --timeout=10m")
    for node in range(1, places.recall()["nodes"] + 1):
        asked = f"kubectl exec {client(t, node)} -- nslookup -type=a kubernetes.default.svc.cluster.local"
        answer = t.until(asked, lambda out: "Address" in out)
        expect("10.96.0.1" in answer, "the API server's Service has its address")


def services(t: Transcript) -> None:
    """A Deployment of 20 pods behind a Service answers from both nodes"""
    t.sh("kubectl rollout status deployment/web --timeout=15m")
    spread = t.sh(
        "kubectl get pods -l app=web -o jsonpath='{range .items[*]}{.spec.nodeName}{\"\\n\"}{end}' | sort | uniq -c"
    )
    count = places.recall()["nodes"]
    expect(len(spread.splitlines()) == count, "the pods are on all nodes")
    for node in range(1, count + 1):
        answers = t.sh(f"kubectl exec {client(t, node)} -- sh -c '{HUNDRED}'").splitlines()
        total = sum(int(line.split()[0]) for line in answers)
        expect(total == 100, f"100 questions, 100 answers: {total}")
        # One of 20 pods is left out by 100 questions with p = 0.6 %; six of them never.
        expect(len(answers) >= REPLICAS - 5, f"nearly each pod has answered: {len(answers)}")
    for node in range(1, count + 1):
        address = t.sh("kubectl get service web -o jsonpath={.spec.clusterIP}", show=False)
        get = fetch(f"http://{address}")
        expect("web-" in t.sh(get, node=node), "the node itself reaches the Service, too")


def classes(t: Transcript) -> None:
    """A pod with RuntimeClass crun is run by crun"""
    t.sh("kubectl get runtimeclasses")
    t.sh("kubectl wait --for=condition=Ready pod/by-crun --timeout=10m")
    status = json.loads(t.sh("kubectl get pod by-crun -o json", show=False))["status"]
    container = status["containerStatuses"][0]["containerID"].removeprefix("orlop://")
    running = t.sh("ls /run/orlop/runtimes/crun", node=2)
    expect(container in running, "crun on node 2 has the container")
