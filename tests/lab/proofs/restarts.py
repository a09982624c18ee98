"""The daemon is restarted and killed below pods that work."""

import json

from tests.lab import places
from tests.lab.transcript import Transcript, answers, asking, expect


def daemon(t: Transcript) -> None:
    """systemctl restart and kill -9 of the daemon on both nodes, under load, without a restart of any container"""
    before = _containers(t)
    asking(t)
    nodes = range(1, places.recall()["nodes"] + 1)
    for round_ in range(3):
        for node in nodes:
            t.sh(
                "systemctl restart orlop.service" if round_ == 0 else "systemctl kill --signal=KILL orlop.service",
                node=node,
            )
        for node in nodes:
            t.until(
                "systemctl is-active orlop.service && orlop status >/dev/null",
                lambda out: "active" in out,
                node=node,
                show=False,
            )
        # Something new must be possible at once.
        t.sh(f"kubectl run after-{round_} --image=registry.lab/lab/web:1 --restart=Never -- true")
        t.until(f"kubectl get pod after-{round_}", lambda out: "Completed" in out)
    count = places.recall()["nodes"]
    t.until("kubectl get nodes", lambda out: out.count(" Ready ") == count)
    answers(t)
    after = {name: found for name, found in _containers(t).items() if name in before}
    expect(after == before, f"every container is the one from before: {set(before.items()) ^ set(after.items())}")
    t.say(f"All {len(before)} containers are those from before, with the same restart counts.")


def _containers(t: Transcript) -> dict[str, tuple[str, int]]:
    """Id and restart count of each running container of the cluster, but of pods that are about to end."""
    pods = json.loads(t.sh("kubectl get pods -A -o json", show=False))["items"]
    return {
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}/{status['name']}": (
            status.get("containerID", ""),
            status["restartCount"],
        )
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        for status in pod["status"].get("containerStatuses", [])
        if "running" in status["state"]
    }
