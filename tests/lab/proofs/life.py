"""What the kubelet does with pods: probes, limits, rollouts, drains."""

import json

from tests.lab.transcript import Transcript, answers, asking, expect


def liveness(t: Transcript) -> None:
    """A liveness probe by exec restarts its container"""
    restarted = "kubectl get pod alive -o jsonpath={.status.containerStatuses[0].restartCount}"
    t.until(restarted, lambda out: out == "1")
    t.until("kubectl get pod alive", lambda out: " Running " in out and "1/1" in out)
    events = t.sh("kubectl events --for pod/alive | grep -E 'Unhealthy|Killing|Started'")
    expect("Liveness probe failed" in events, "the kubelet says why")


def memory(t: Transcript) -> None:
    """A container over its memory limit is OOMKilled"""
    where = "{.status.containerStatuses[0].state.terminated.reason}"
    t.until(f"kubectl get pod hungry -o jsonpath={where}", lambda out: out == "OOMKilled")
    ended = json.loads(t.sh("kubectl get pod hungry -o json", show=False))["status"]["containerStatuses"][0]
    expect(ended["state"]["terminated"]["exitCode"] == 137, "by SIGKILL")
    t.sh("kubectl get pod hungry")


def rollout(t: Transcript) -> None:
    """A rolling update, without an unanswered question"""
    asking(t)
    t.sh("kubectl set image deployment/web web=registry.lab/lab/web:2")
    t.sh("kubectl rollout status deployment/web --timeout=20m")
    t.sh("kubectl get replicasets -l app=web -o wide")
    versions = {line.split()[1] for line in answers(t).splitlines()}
    expect(versions == {"1", "2"}, f"both versions have answered, nothing else: {versions}")


def drain(t: Transcript) -> None:
    """A node is drained, and comes back"""
    t.sh("kubectl drain lab-node-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=20m 2>&1 | tail -3")
    mine = "kubectl get pods -A --field-selector spec.nodeName=lab-node-2 -o jsonpath="
    owners = mine + "'{range .items[*]}{.metadata.ownerReferences[0].kind}{\"\\n\"}{end}' | sort | uniq -c"
    left = t.until(owners, lambda out: "ReplicaSet" not in out)
    expect(all(line.split()[1] == "DaemonSet" for line in left.splitlines()), "only daemons are left on it")
    t.until("kubectl get deployment web", lambda out: "20/20" in out)
    t.sh("kubectl uncordon lab-node-2 && kubectl rollout restart deployment/web")
    t.sh("kubectl rollout status deployment/web --timeout=20m")
    t.until(
        "kubectl get pods -l app=web --field-selector spec.nodeName=lab-node-2 -o name | wc -l",
        lambda out: int(out) > 0,
    )
