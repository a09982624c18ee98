"""Who a container's process is, from the CRI's words and the image's files."""

import os
from pathlib import Path
from typing import Any

import pytest

from orlop.engine.oci.accounts import FILE_LIMIT, Accounts
from orlop.engine.oci.inputs import ResolvedUser
from orlop.engine.oci.users import resolve_user
from orlop.linux.inotify import Inotify
from orlop.model.enums import SupplementalGroupsPolicy
from orlop.model.errors import InvalidArgument
from orlop.model.security import LinuxContainerSecurityContext

IN_OPEN = 0x20
PASSWD = """\
root:x:0:0:root:/root:/bin/sh
# a comment
ann:x:1000:1001:Ann:/home/ann:/bin/sh
homeless:x:1002:1002:::
7777:x:0:0:a name of digits:/:
broken:line
big:x:99999999999:1:::
annex:x:1000:9:second name of 1000:/x:
"""
GROUP = """\
root:x:0:
ann:x:1001:
staff:x:50:bob,ann
also:x:51:ann
other:x:52:bob
8888:x:0:
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return tmp_path


def resolve(root: Path, image_user: str = "", **fields: Any) -> ResolvedUser:
    return resolve_user(str(root), LinuxContainerSecurityContext(**fields), image_user=image_user, image="img:1")


def who(user: ResolvedUser) -> tuple[int, int, tuple[int, ...], str]:
    return user.uid, user.gid, user.groups, user.home


@pytest.mark.parametrize(
    ("image_user", "expected"),
    [
        ("", (0, 0, (0,), "/root")),
        ("ann", (1000, 1001, (1001, 50, 51), "/home/ann")),
        ("1000", (1000, 1001, (1001, 50, 51), "/home/ann")),
        ("ann:staff", (1000, 50, (50, 51), "/home/ann")),
        ("ann:123", (1000, 123, (123, 50, 51), "/home/ann")),
        ("4000", (4000, 0, (0,), "/")),
        ("4000:5000", (4000, 5000, (5000,), "/")),
        ("homeless", (1002, 1002, (1002,), "/")),
        # A number is a number: what ImageStatus has told the kubelet, whose runAsNonRoot goes by it.
        ("7777", (7777, 0, (0,), "/")),
        ("4000:8888", (4000, 8888, (8888,), "/")),
    ],
)
def test_the_images_user(root: Path, image_user: str, expected: tuple[Any, ...]) -> None:
    assert who(resolve(root, image_user)) == expected


def test_the_requested_user_replaces_the_images_with_its_group(root: Path) -> None:
    assert who(resolve(root, "root:staff", run_as_user=1000)) == (1000, 1001, (1001, 50, 51), "/home/ann")
    assert who(resolve(root, "root:staff", run_as_username="ann")) == (1000, 1001, (1001, 50, 51), "/home/ann")
    assert resolve(root, run_as_user=7777).uid == 7777


def test_requested_groups_come_after_the_images(root: Path) -> None:
    user = resolve(root, run_as_user=1000, run_as_group=70, supplemental_groups=(90, 51, 80))
    assert user.groups == (70, 50, 51, 90, 80)


def test_strict_policy_ignores_the_images_groups(root: Path) -> None:
    strict = SupplementalGroupsPolicy.Strict
    assert resolve(root, "ann", supplemental_groups=(90,), supplemental_groups_policy=strict).groups == (1001, 90)


@pytest.mark.parametrize(
    ("image_user", "fields", "words"),
    [
        ("bill", {}, "user 'bill' is not in /etc/passwd of image 'img:1'"),
        ("ann:crew", {}, "group 'crew' is not in /etc/group of image 'img:1'"),
        ("", {"run_as_username": "bill"}, "user 'bill'"),
        ("", {"run_as_group": 5}, "run_as_group"),
        ("", {"run_as_user": 1, "run_as_username": "ann"}, "both"),
        ("", {"run_as_user": -1}, "run_as_user is out of range: -1"),
        ("", {"run_as_user": 1, "run_as_group": 1 << 32}, "run_as_group"),
        ("", {"supplemental_groups": (1, -2)}, r"supplemental_groups\[1\]"),
        ("99999999999", {}, "user '99999999999'"),
    ],
)
def test_what_does_not_fit_is_named(root: Path, image_user: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        resolve(root, image_user, **fields)


def test_an_image_without_accounts(tmp_path: Path) -> None:
    assert who(resolve(tmp_path, "12:34")) == (12, 34, (34,), "/")
    with pytest.raises(InvalidArgument, match="ann"):
        resolve(tmp_path, "ann")


def test_links_stay_inside_the_image(root: Path) -> None:
    (root / "real").write_text("inside:x:7:7::/in:\n")
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to("/real")
    assert resolve(root, "inside").uid == 7
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to("../../../../../../etc/passwd")
    with pytest.raises(InvalidArgument, match="cannot read /etc/passwd"):
        resolve(root, "root")


def test_a_fifo_is_not_even_opened(root: Path) -> None:
    (root / "etc/passwd").unlink()
    os.mkfifo(root / "etc/passwd")
    with Inotify() as watch:
        watch.add(str(root / "etc/passwd"), IN_OPEN)
        with pytest.raises(InvalidArgument, match="cannot read /etc/passwd of the image: it is not a regular file"):
            resolve(root, "root")
        assert watch.read() == []  # were it a device, to open it alone might do something


def test_a_huge_file_is_refused(root: Path) -> None:
    with open(root / "etc/group", "wb") as file:
        file.truncate(FILE_LIMIT + 1)
    with pytest.raises(InvalidArgument, match="larger than 4 MiB"):
        resolve(root, "ann")


def test_bytes_that_are_not_text(root: Path) -> None:
    (root / "etc/passwd").write_bytes(b"\xff\xfe:x:1:1::/:\nok:x:2:2::/:\n")
    assert [entry.name for entry in Accounts(str(root)).users][-1] == "ok"
