"""Several control planes: all of them work, and one of them may go."""

import json

from tests.lab import places
from tests.lab.transcript import Transcript, expect

PKI = "/etc/kubernetes/pki/etcd"
MANIFESTS = "/etc/kubernetes/manifests"
# etcd's own HTTP, for its image has no client.
MEMBERS = (
    "python3 -c 'import ssl, urllib.request as u; "
    f'c = ssl.create_default_context(cafile="{PKI}/ca.crt"); '
    f'c.load_cert_chain("{PKI}/healthcheck-client.crt", "{PKI}/healthcheck-client.key"); '
    'print(u.urlopen("https://127.0.0.1:2379/v3/cluster/member/list", b"{}", 60, context=c).read().decode())\''
)


def members(t: Transcript) -> None:
    """Each control plane has its API server and is a voter of etcd"""
    planes = places.recall()["planes"]
    select = "kubectl get nodes --selector node-role.kubernetes.io/control-plane"
    t.until(select, lambda out: out.count(" Ready ") == planes)
    pods = "kubectl -n kube-system get pods -o wide --selector tier=control-plane"
    t.until(pods, lambda out: out.count(" 1/1 ") == 4 * planes)
    for node in range(1, planes + 1):
        listed = json.loads(t.sh(MEMBERS, node=node))["members"]
        voters = sorted(member["name"] for member in listed if not member.get("isLearner"))
        expect(voters == [places.node_name(n) for n in range(1, planes + 1)], f"{planes} voters: {voters}")
        # Past the balancer: each server by itself.
        said = t.sh(f"kubectl --server https://{places.address(node)}:6443 get --raw /readyz")
        expect(said.strip() == "ok", f"API server {node} is ready")


def loss(t: Transcript) -> None:
    """The first control plane loses its API server and etcd, the cluster goes on, and it comes back"""
    planes = places.recall()["planes"]
    if planes < 3:
        t.say("Two voters of etcd are none that could lose one: not asked.")
        return
    parts = "kube-apiserver etcd"
    t.sh(f"mkdir -p /root/aside; for part in {parts}; do mv {MANIFESTS}/$part.yaml /root/aside/; done")
    try:
        gone = f"kubectl --server https://{places.address(1)}:6443 get --raw /readyz 2>&1 || true"
        t.until(gone, lambda out: "refused" in out)
        t.until("kubectl get nodes", lambda out: out.count(" Ready") == places.recall()["nodes"], node=2)
        t.until(
            "kubectl delete --ignore-not-found pod without && "
            "kubectl run without --image=registry.lab/lab/web:1 --restart=Never -- true",
            lambda out: "created" in out,
            node=2,
        )
        t.until("kubectl get pod without", lambda out: "Completed" in out, node=2)
    finally:
        t.sh(f"for part in {parts}; do mv /root/aside/$part.yaml {MANIFESTS}/; done")
    back = f"kubectl --server https://{places.address(1)}:6443 get --raw /readyz"
    t.until(back, lambda out: out.strip() == "ok")
    t.until("kubectl get nodes", lambda out: out.count(" Ready ") == places.recall()["nodes"])
