"""What an error of a program says."""

from orlop.aio.command_error import CommandError, CommandTimeout, describe_status, shown_command


def test_text_is_command_status_and_stderr() -> None:
    error = CommandError(["runc", "create", "a b"], 1, b"\nfirst\n\x1b[31mlast\n\n")
    assert str(error) == "runc create 'a b': exit status 1: first | \\x1b[31mlast"


def test_signals_have_names() -> None:
    assert describe_status(-9) == "killed by SIGKILL"
    assert describe_status(-40) == "killed by signal 40"
    assert describe_status(3) == "exit status 3"
    assert describe_status(None) == "did not end"


def test_long_things_are_shortened() -> None:
    error = CommandError(["x" * 10_000], 1, b"\n".join(b"line %d " % number + b"y" * 1000 for number in range(100)))
    assert len(str(error)) < 2000
    assert "line 99" in str(error)
    assert "line 94" not in str(error)


def test_bytes_that_are_no_text() -> None:
    assert "�" in str(CommandError(["x"], 1, b"\xff\xfe"))


def test_reason_replaces_the_status() -> None:
    error = CommandTimeout(["x"], -9, b"", reason="did not end within 2 s and was killed")
    assert str(error) == "x: did not end within 2 s and was killed"
    assert isinstance(error, TimeoutError)
    assert isinstance(error, CommandError)
    assert error.returncode == -9


def test_command_can_be_pasted() -> None:
    assert shown_command(["echo", "it's", "$x"]) == "echo 'it'\"'\"'s' '$x'"
