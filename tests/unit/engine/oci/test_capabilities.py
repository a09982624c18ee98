"""Which capabilities a container gets."""

from typing import Any

import pytest

from orlop.engine.oci.capabilities import NAMES, capability_sets, granted, names_of
from orlop.model.errors import InvalidArgument, Unsupported
from orlop.model.security import Capability, LinuxContainerSecurityContext
from tests.unit.engine.oci.samples import CAPABILITIES, FACTS, SETTINGS


def context(privileged: bool = False, **changes: Any) -> LinuxContainerSecurityContext:
    return LinuxContainerSecurityContext(capabilities=Capability(**changes), privileged=privileged)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "CHOWN KILL"),  # SYS_RESOURCE is a default, but the daemon lacks it
        ({"add_capabilities": ("NET_ADMIN",)}, "CHOWN KILL NET_ADMIN"),
        ({"add_capabilities": ("cap_net_admin",)}, "CHOWN KILL NET_ADMIN"),
        ({"drop_capabilities": ("KILL", "SYS_TIME")}, "CHOWN"),
        ({"drop_capabilities": ("ALL",)}, ""),
        ({"drop_capabilities": ("ALL",), "add_capabilities": ("KILL",)}, "KILL"),
        ({"add_capabilities": ("ALL",)}, "CHOWN KILL NET_ADMIN NET_BIND_SERVICE SYS_ADMIN"),
        ({"add_capabilities": ("all",), "drop_capabilities": ("CHOWN",)}, "KILL NET_ADMIN NET_BIND_SERVICE SYS_ADMIN"),
        ({"add_capabilities": ("KILL",), "drop_capabilities": ("KILL",)}, "CHOWN"),
        ({"add_ambient_capabilities": ("NET_ADMIN",)}, "CHOWN KILL NET_ADMIN"),
    ],
)
def test_add_and_drop(changes: dict[str, tuple[str, ...]], expected: str) -> None:
    assert granted(context(**changes), SETTINGS, FACTS) == {f"CAP_{name}" for name in expected.split()}


def test_privileged_is_all_that_the_daemon_has() -> None:
    assert granted(context(privileged=True, drop_capabilities=("ALL",)), SETTINGS, FACTS) == CAPABILITIES


@pytest.mark.parametrize("field", ["add_capabilities", "drop_capabilities", "add_ambient_capabilities"])
def test_an_unknown_name_is_named_with_its_field(field: str) -> None:
    with pytest.raises(InvalidArgument, match=f"{field}.*'FLY'"):
        granted(context(**{field: ("FLY",)}), SETTINGS, FACTS)


def test_what_the_daemon_lacks_cannot_be_added() -> None:
    with pytest.raises(Unsupported, match="CAP_SYS_TIME"):
        granted(context(add_capabilities=("SYS_TIME",)), SETTINGS, FACTS)


def test_sets_without_ambient_have_nothing_inheritable() -> None:
    names = ["CAP_CHOWN", "CAP_KILL"]
    assert capability_sets(context(), SETTINGS, FACTS) == {"bounding": names, "effective": names, "permitted": names}


def test_ambient_ones_are_inheritable() -> None:
    sets = capability_sets(context(add_ambient_capabilities=("NET_ADMIN",)), SETTINGS, FACTS)
    assert sets["ambient"] == sets["inheritable"] == ["CAP_NET_ADMIN"]
    assert sets["bounding"] == ["CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN"]


def test_names_have_the_kernels_numbers() -> None:
    assert (NAMES[0], NAMES[21], NAMES[40]) == ("CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE")
    assert names_of(1 | 1 << 21 | 1 << 63) == {"CAP_CHOWN", "CAP_SYS_ADMIN"}
