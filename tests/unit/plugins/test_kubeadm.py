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


def test_a_process_of_another_version_is_seen(tmp_path: Path) -> None:
    module = load("modules.stale")
    for name in ("kubelet-1", "kubelet-2"):
        (tmp_path / name).touch()
    link, maps = tmp_path / "kubelet", tmp_path / "maps"
    link.symlink_to(tmp_path / "kubelet-2")
    line = "5555-6666 r-xp 00000000 08:01 42"
    maps.write_text(
        f"{line}   /usr/lib/libc.so.6\n{line}   {tmp_path}/kubelet-1 (deleted)\n7fff-8000 rw-p 0 00:00 0 [stack]\n"
    )
    assert module.others(maps, str(tmp_path), str(link)) == [f"{tmp_path}/kubelet-1"]
    link.unlink()
    link.symlink_to(tmp_path / "kubelet-1")
    assert module.others(maps, str(tmp_path), str(link)) == []
    assert module.others(tmp_path / "none", str(tmp_path), str(link)) == []


def test_the_clusters_version_is_kubeadms_own_word() -> None:
    assert load("modules.cluster_node").version("kind: X\nkubernetesVersion: v1.36.3\nnetworking: {}\n") == "v1.36.3"
