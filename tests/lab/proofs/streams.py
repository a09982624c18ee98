"""What people do with kubectl: logs, exec, cp, port-forward, attach."""

from tests.lab.transcript import Transcript, expect, fetch


def logs(t: Transcript) -> None:
    """kubectl logs -f follows a container until its end"""
    t.until(
        "kubectl get pod counter -o jsonpath={.status.phase}", lambda out: out in ("Running", "Succeeded"), show=False
    )
    followed = t.sh("kubectl logs -f counter")
    expect(followed.split("\n")[:10] == [f"line {n}" for n in range(1, 11)], "each line, once, in order")


def execute(t: Transcript) -> None:
    """kubectl exec -it: a terminal, and the command's exit code"""
    inside = "tty; sleep 2; stty size; exit 7"
    command = (
        f"script -qec \"stty cols 99 rows 33; kubectl exec -it deploy/web -- sh -c '{inside}'\" /dev/null; echo code $?"
    )
    said = t.sh(command)
    expect("/dev/pts/0" in said, "the command has a terminal")
    expect("33 99" in said, "of the size of ours")
    expect("code 7" in said, "the command's code is kubectl's")


def copy(t: Transcript) -> None:
    """kubectl cp, there and back"""
    t.sh("head -c 20000000 /dev/urandom >/tmp/there")
    pod = t.sh("kubectl get pods -l app=client -o jsonpath={.items[1].metadata.name}", show=False)
    t.sh(f"kubectl cp /tmp/there {pod}:/tmp/there && kubectl cp {pod}:/tmp/there /tmp/back")
    sums = t.sh("sha256sum /tmp/there /tmp/back; rm /tmp/there /tmp/back").split()
    expect(sums[0] == sums[2], "20 MB come back as they went")


def forward(t: Transcript) -> None:
    """kubectl port-forward"""
    begin = "kubectl port-forward deploy/web 18080:8080 >/tmp/forward & until grep -q Forwarding /tmp/forward"
    ask = f"for n in 1 2 3; do {fetch('http://127.0.0.1:18080')}; done"
    said = t.sh(f"{begin}; do sleep 0.2; done; {ask}; kill %1; cat /tmp/forward")
    expect(said.count("web-") >= 3, "three answers through the forwarded port")


def attach(t: Transcript) -> None:
    """kubectl attach -i reaches the process's input and output"""
    t.sh("kubectl wait --for=condition=Ready pod/echo --timeout=10m")
    said = t.sh("(sleep 3; echo hello; sleep 3) | timeout 15 kubectl attach -i echo; true")
    expect("hello" in said, "cat has answered")
