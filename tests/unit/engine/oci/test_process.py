"""Command, directory and flags of a container's first process."""

import pytest

from orlop.engine.oci.process import arguments, process, working_dir
from orlop.model.errors import InvalidArgument
from orlop.model.image import ImageConfig
from tests.unit.engine.oci.samples import inputs

IMAGE = ImageConfig(entrypoint=("ep", "1"), cmd=("cmd", "2"), working_dir="/image")


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        ((), (), ["ep", "1", "cmd", "2"]),
        ((), ("a",), ["ep", "1", "a"]),
        (("c",), (), ["c"]),
        (("c",), ("a",), ["c", "a"]),
    ],
)
def test_command_and_args_against_entrypoint_and_cmd(
    command: tuple[str, ...], args: tuple[str, ...], expected: list[str]
) -> None:
    assert arguments(inputs(config={"command": command, "args": args}, image=IMAGE)) == expected


def test_no_command_at_all_names_the_image() -> None:
    with pytest.raises(InvalidArgument, match="'nginx:1'"):
        arguments(inputs(config={"command": ()}))


def test_nul_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="NUL"):
        arguments(inputs(config={"command": ("a\0b",)}))


def test_working_dir() -> None:
    assert working_dir(inputs()) == "/"
    assert working_dir(inputs(image=IMAGE)) == "/image"
    assert working_dir(inputs(image=IMAGE, config={"working_dir": "/pod"})) == "/pod"
    assert working_dir(inputs(image=ImageConfig(working_dir="app"))) == "/app"


def test_a_working_dir_with_nul_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="working_dir"):
        working_dir(inputs(config={"working_dir": "/\0"}))


def test_flags_and_user() -> None:
    part = process(inputs(context={"no_new_privs": True}, config={"tty": True}, oom_score_adj=7))
    assert part["user"] == {"uid": 1, "gid": 2, "additionalGids": [2, 3]}
    assert (part["terminal"], part["noNewPrivileges"], part["oomScoreAdj"]) == (True, True, 7)
    assert "apparmorProfile" not in part
    assert "selinuxLabel" not in part
