"""SELinux: which label processes and mounts get, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from orlop.engine.oci import selinux
from orlop.engine.oci.selinux import Labels, labels, level_for, mount_label, require, require_known
from orlop.engine.oci.spec import build_spec
from orlop.model.enums import NamespaceMode
from orlop.model.errors import InvalidArgument, Unsupported
from orlop.model.pod import LinuxPodSandboxConfig, PodRecord, PodSandboxConfig
from orlop.model.security import (
    LinuxContainerSecurityContext,
    LinuxSandboxSecurityContext,
    NamespaceOption,
    SELinuxOption,
)
from tests.unit.engine.oci.samples import FACTS, INPUTS, POD

WITH = replace(FACTS, selinux=True)
PROCESS, FILE = "system_u:system_r:container_t", "system_u:object_r:container_file_t"
OWN = SELinuxOption(user="u_u", role="r_r", type="mine_t", level="s0:c7,c9")


def pod(level: str = "s0:c1,c2", **fields: Any) -> PodRecord:
    context = LinuxSandboxSecurityContext(**fields)
    config = structs.replace(POD.config, linux=LinuxPodSandboxConfig(security_context=context))
    return structs.replace(POD, config=config, selinux_level=level)


def config(**fields: Any) -> PodSandboxConfig:
    return pod(**fields).config


def context(**fields: Any) -> LinuxContainerSecurityContext:
    return LinuxContainerSecurityContext(**fields)


NODE_PID = NamespaceOption(pid=NamespaceMode.NODE)
NODE_IPC = NamespaceOption(ipc=NamespaceMode.NODE)


@pytest.mark.parametrize(
    ("of_pod", "of_container", "process", "mount"),
    [
        ({}, {}, f"{PROCESS}:s0:c1,c2", f"{FILE}:s0:c1,c2"),
        ({"selinux_options": OWN}, {}, "u_u:r_r:mine_t:s0:c7,c9", "u_u:object_r:container_file_t:s0:c7,c9"),
        ({}, {"selinux_options": SELinuxOption(type="spc_t")}, "system_u:system_r:spc_t:s0:c1,c2", f"{FILE}:s0:c1,c2"),
        ({"selinux_options": OWN}, {"selinux_options": SELinuxOption(level="s0")}, f"{PROCESS}:s0", f"{FILE}:s0"),
        ({}, {"privileged": True}, "", f"{FILE}:s0:c1,c2"),
        ({}, {"privileged": True, "selinux_options": OWN}, "", "u_u:object_r:container_file_t:s0:c7,c9"),
        ({"namespace_options": NODE_PID}, {}, "", f"{FILE}:s0:c1,c2"),
        ({"namespace_options": NODE_IPC}, {}, "", f"{FILE}:s0:c1,c2"),
        ({"namespace_options": NODE_PID, "selinux_options": SELinuxOption(level="s0:c3,c4")}, {},
         f"{PROCESS}:s0:c3,c4", f"{FILE}:s0:c3,c4"),
    ],
)  # fmt: skip
def test_labels(of_pod: dict[str, Any], of_container: dict[str, Any], process: str, mount: str) -> None:
    assert labels(pod(**of_pod), context(**of_container), WITH) == Labels(process, mount)
    without = {**of_container, "selinux_options": None}
    assert labels(pod(), context(**without), FACTS) == Labels()


def test_labels_are_in_the_configuration() -> None:
    spec = build_spec(replace(INPUTS, pod=pod(), facts=WITH))
    assert spec["process"]["selinuxLabel"] == f"{PROCESS}:s0:c1,c2"
    assert spec["linux"]["mountLabel"] == f"{FILE}:s0:c1,c2"
    assert "mountLabel" not in build_spec(INPUTS)["linux"]


def test_what_is_mounted_for_the_pod_has_its_label() -> None:
    assert mount_label(pod(), WITH) == f"{FILE}:s0:c1,c2"
    assert mount_label(pod(selinux_options=OWN), WITH) == "u_u:object_r:container_file_t:s0:c7,c9"
    assert mount_label(pod(), FACTS) == ""


def test_every_pod_has_a_level_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([[9, 3], [3, 9], [1000, 0]])
    monkeypatch.setattr(selinux.random, "sample", lambda categories, count: next(drawn))
    assert level_for(config(), WITH, {"s0:c3,c9"}) == "s0:c0,c1000"
    assert level_for(config(selinux_options=OWN), WITH, {"s0:c7,c9"}) == "s0:c7,c9"
    assert level_for(config(), FACTS, set()) == ""


def test_a_level_is_two_categories() -> None:
    levels = {level_for(config(), WITH, set()) for _ in range(200)}
    assert len(levels) > 150
    for level in levels:
        low, high = (int(part) for part in level.removeprefix("s0:c").split(",c"))
        assert 0 <= low < high < 1024


@pytest.mark.parametrize(
    "options",
    [SELinuxOption(type="container_t"), SELinuxOption(user="u", role="r", type="t", level="s0")],
)
def test_a_confinement_is_refused_where_nobody_confines(options: SELinuxOption) -> None:
    with pytest.raises(Unsupported, match=rf"type '{options.type}' \(selinux_options\).*this kernel has no SELinux"):
        labels(pod(), context(selinux_options=options), FACTS)
    with pytest.raises(Unsupported, match="this kernel has no SELinux"):
        level_for(config(selinux_options=options), FACTS, set())
    assert labels(pod(), context(selinux_options=options, privileged=True), FACTS) == Labels()


@pytest.mark.parametrize("fields", [{}, {"level": "s0:c1,c2"}, {"type": "spc_t", "level": "s0"}])
def test_what_asks_for_no_confinement_is_no_error(fields: dict[str, str]) -> None:
    require(SELinuxOption(**fields), FACTS)


@pytest.mark.parametrize("part", ["user", "role", "type", "level"])
@pytest.mark.parametrize("value", ['a"b', "a b", "a\nb", "a/b", "ä"])
def test_what_cannot_be_a_label(part: str, value: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"selinux_options\.{part} "):
        require(SELinuxOption(**{part: value}), WITH)


def test_a_label_that_the_loaded_policy_lacks_is_named_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def known(label: str) -> bool:
        asked.append(label)
        return "container_file_t" not in label

    monkeypatch.setattr(selinux, "known", known)
    facts = replace(WITH, selinux_policy="default")
    require_known(facts, f"{PROCESS}:s0", "")
    with pytest.raises(Unsupported, match=rf"'{FILE}:s0' cannot be applied: the loaded policy \(default\)"):
        require_known(facts, f"{PROCESS}:s0", f"{FILE}:s0")
    assert asked == [f"{PROCESS}:s0", f"{PROCESS}:s0", f"{FILE}:s0"]
