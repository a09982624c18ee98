"""Making a cluster and joining it: who is a member, and what is told of kubeadm's words."""

from pathlib import Path

import pytest

from tests.unit.plugins.conftest import load

TOKEN, KEY, HASH = "abcdef.0123456789abcdef", "0" * 64, f"sha256:{'a' * 64}"


def test_a_member_is_one_whose_kubeadm_came_to_its_end(tmp_path: Path) -> None:
    module, directory = load("modules.kubeadm"), str(tmp_path)
    assert not module.is_member("join", directory)
    (tmp_path / "kubelet.conf").touch()
    assert module.is_member("join", directory) and not module.is_member("init", directory)
    (tmp_path / "admin.conf").touch()
    assert module.is_member("init", directory)
    (tmp_path / "orlop").mkdir()
    Path(module.mark(directory)).touch()
    assert not module.is_member("init", directory) and not module.is_member("look", directory)


def test_no_secret_is_told_with_an_error() -> None:
    told = load("modules.kubeadm").shown(f"join --token {TOKEN} {HASH}\n", f"[ERROR Swap]: swap is on, key {KEY}\n")
    assert "[ERROR Swap]: swap is on" in told
    assert TOKEN not in told and KEY not in told


def test_what_a_node_joins_with_is_read_from_the_command() -> None:
    module = load("modules.join_secret")
    printed = f"kubeadm join 10.0.0.1:6443 --token {TOKEN} --discovery-token-ca-cert-hash {HASH} \n"
    assert module.parsed(printed) == ("10.0.0.1:6443", {"token": TOKEN, "ca_cert_hashes": [HASH]})
    assert module.key(f"[upload-certs] Using certificate key:\n{KEY}\n") == KEY
    with pytest.raises(ValueError, match="no command"):
        module.parsed("W1128 could not fetch a Kubernetes version\n")
