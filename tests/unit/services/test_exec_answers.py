"""What fits into ExecSync's answer."""

import pytest

from orlop.api.wire import METHODS
from orlop.engine.oci.exec import ExecResult
from orlop.services.container_exec_sync import ANSWER_LIMIT, fitted


@pytest.mark.parametrize(
    ("stdout", "stderr", "kept"),
    [
        (0, 0, (0, 0)),
        (3, 4, (3, 4)),
        (20, 0, (10, 0)),
        (0, 20, (0, 10)),
        (20, 2, (8, 2)),
        (2, 20, (2, 8)),
        (20, 20, (5, 5)),
        (6, 6, (5, 5)),
        (5, 20, (5, 5)),
    ],
)
def test_each_stream_has_half_and_what_the_other_leaves(stdout: int, stderr: int, kept: tuple[int, int]) -> None:
    result = fitted(ExecResult(exit_code=1, stdout=b"o" * stdout, stderr=b"e" * stderr), limit=10)
    assert (len(result.stdout), len(result.stderr)) == kept
    assert (result.exit_code, set(result.stdout) | set(result.stderr)) == (1, set(b"o" * kept[0] + b"e" * kept[1]))


def test_the_fullest_answer_is_a_message_that_the_kubelet_takes() -> None:
    full = b"x" * (16 << 20)
    for stdout, stderr in ((full, b""), (b"", full), (full, full)):
        result = fitted(ExecResult(exit_code=-1, stdout=stdout, stderr=stderr))
        message = METHODS["ExecSync"].response(stdout=result.stdout, stderr=result.stderr, exit_code=result.exit_code)
        assert ANSWER_LIMIT < message.ByteSize() <= 16 << 20
