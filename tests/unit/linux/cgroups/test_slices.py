"""systemd's slice names."""

import pytest

from orlop.linux.cgroups.slices import is_slice, parent_path, slice_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("kubepods.slice", "/kubepods.slice"),
        (
            "kubepods-besteffort-podX.slice",
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podX.slice",
        ),
        ("-.slice", "/"),
        ("a-pod1_2_3.slice", "/a.slice/a-pod1_2_3.slice"),
    ],
)
def test_slice_path(name: str, path: str) -> None:
    assert slice_path(name) == path


@pytest.mark.parametrize(
    "name", ["", "kubepods", ".slice", "a--b.slice", "-a.slice", "a-.slice", "a/b.slice", "x.scope"]
)
def test_malformed_names(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a slice"):
        slice_path(name)


@pytest.mark.parametrize(
    ("parent", "systemd", "path"),
    [
        ("/kubepods/burstable/pod1", False, "/kubepods/burstable/pod1"),
        ("kubepods/burstable", False, "/kubepods/burstable"),
        ("kubepods-burstable.slice", True, "/kubepods.slice/kubepods-burstable.slice"),
        ("/kubepods.slice/kubepods-burstable.slice/", True, "/kubepods.slice/kubepods-burstable.slice"),
        ("", False, "/"),
        ("/", False, "/"),
    ],
)
def test_parents_of_both_drivers(parent: str, systemd: bool, path: str) -> None:
    assert is_slice(parent) == systemd
    assert parent_path(parent) == path
