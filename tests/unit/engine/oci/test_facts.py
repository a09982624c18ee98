"""The machine's facts, from trees that look like the kernel's."""

import socket
from pathlib import Path

from orlop.engine.oci.facts import gather
from orlop.engine.oci.inputs import HostFacts, SelinuxContexts


def tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def look(root: Path, version: int, files: dict[str, str]) -> HostFacts:
    status = "Name:\tx\nCapInh:\t0000000000000000\nCapPrm:\t0000000000200003\nCapBnd:\t0000000000200001\n"
    tree(root, {"proc/self/status": status, **files})
    places = {name: str(root / name) for name in ("proc", "sys", "etc")}
    return gather(cgroup_version=version, cgroup_root=str(root / "cgroup"), **places)


def test_a_bare_machine(tmp_path: Path) -> None:
    facts = look(tmp_path, 2, {})
    assert facts.capabilities == {"CAP_CHOWN", "CAP_SYS_ADMIN"}
    assert facts.hostname == socket.gethostname()
    assert (facts.swap_accounting, facts.hugepage_sizes, facts.apparmor, facts.selinux) == (
        False,
        frozenset(),
        False,
        False,
    )


def test_version_1(tmp_path: Path) -> None:
    (tmp_path / "sys/kernel/mm/hugepages/hugepages-2048kB").mkdir(parents=True)
    (tmp_path / "sys/kernel/mm/hugepages/hugepages-64kB").mkdir(parents=True)
    files = {
        "cgroup/memory/memory.memsw.limit_in_bytes": "1",
        "cgroup/hugetlb/hugetlb.64KB.limit_in_bytes": "1",
        "sys/module/apparmor/parameters/enabled": "Y\n",
        "sys/kernel/security/apparmor/profiles": "orlop-default (enforce)\n/usr/bin/man (other) (complain)\n",
    }
    facts = look(tmp_path, 1, files)
    assert facts.swap_accounting
    assert facts.apparmor
    assert facts.apparmor_profiles == {"orlop-default", "/usr/bin/man (other)"}
    assert facts.hugepage_sizes == {"64KB"}


def test_version_2(tmp_path: Path) -> None:
    for size in ("hugepages-2048kB", "hugepages-1048576kB", "other"):
        (tmp_path / "sys/kernel/mm/hugepages" / size).mkdir(parents=True)
    files = {
        "cgroup/system.slice/memory.swap.max": "max",
        "cgroup/system.slice/hugetlb.1GB.max": "max",
        "cgroup/system.slice/hugetlb.2MB.max": "max",
        "sys/module/apparmor/parameters/enabled": "N\n",
        "sys/fs/selinux/enforce": "1",
    }
    facts = look(tmp_path, 2, files)
    assert facts.swap_accounting
    assert facts.hugepage_sizes == {"1GB", "2MB"}
    assert not facts.apparmor
    assert facts.selinux


LXC_CONTEXTS = """process = "u_u:r_r:svirt_lxc_net_t:s1"
content = "system_u:object_r:virt_var_lib_t:s0"
file = "u_u:object_r:svirt_sandbox_file_t:s1"
"""


def test_selinux_labels_are_the_configured_policys(tmp_path: Path) -> None:
    assert look(tmp_path, 2, {}).selinux_contexts == SelinuxContexts()
    config = {"etc/selinux/config": "# a comment\nSELINUX=enforcing\nSELINUXTYPE=mls\n"}
    assert look(tmp_path, 2, config).selinux_contexts == SelinuxContexts()
    facts = look(tmp_path, 2, {"etc/selinux/mls/contexts/lxc_contexts": LXC_CONTEXTS})
    found = facts.selinux_contexts
    assert facts.selinux_policy == "mls"
    assert (found.process, found.file) == ("u_u:r_r:svirt_lxc_net_t:s1", "u_u:object_r:svirt_sandbox_file_t:s1")
    broken = look(tmp_path, 2, {"etc/selinux/mls/contexts/lxc_contexts": "process = container_t\nfile =\n"})
    assert broken.selinux_contexts == SelinuxContexts()


def test_this_machine() -> None:
    assert isinstance(gather(cgroup_version=1), HostFacts)
