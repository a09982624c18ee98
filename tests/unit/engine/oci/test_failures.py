"""Each OCI runtime's way to complain, as seen from the real ones."""

import pytest

from orlop.engine.oci.failures import explain, runtime_error
from orlop.model.errors import FailedPrecondition, InvalidArgument, NotFound, OrlopError, ResourceExhausted

RUNC_JSON = (
    '{"level":"error","msg":"runc create failed: unable to start container process: exec: \\"nope\\": '
    'executable file not found in $PATH","time":"2026-01-01T00:00:00Z"}\n'
)


@pytest.mark.parametrize(
    ("stderr", "sentence"),
    [
        (RUNC_JSON, 'exec: "nope": executable file not found in $PATH'),
        ('time="2026-01-01T00:00:00Z" level=error msg="a \\"b\\" c"', 'a "b" c'),
        ('time="x" level=error msg=short', "short"),
        ('{"msg":"writing file `memory.max`: busy","level":"error","time":"x"}', "writing file `memory.max`: busy"),
        ("plain words\nin two lines\n", "plain words in two lines"),
        ("{broken json", "{broken json"),
        ('{"level":"warning","msg":"only a warning"}', "only a warning"),
        ("red \x1b[31mink\0", "red [31mink"),
        ("", "the OCI runtime gave no reason"),
    ],
)
def test_one_readable_sentence(stderr: str, sentence: str) -> None:
    assert explain(stderr) == sentence


def test_warnings_and_follow_up_errors_do_not_hide_the_cause() -> None:
    lines = (
        '{"level":"warning","msg":"Setting back cgroup configs failed"}',
        '{"level":"error","msg":"unable to set memory limit"}',
        '{"level":"error","msg":"and then this"}',
    )
    assert explain("\n".join(lines)) == "unable to set memory limit"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('exec: "nope": executable file not found in $PATH', InvalidArgument),
        ("executable file `nope` not found in $PATH: No such file or directory", InvalidArgument),
        ('exec: "/bin/x": stat /bin/x: no such file or directory', InvalidArgument),
        ("open executable: Operation not permitted", InvalidArgument),
        ('chdir to cwd ("/no") set in config.json failed: no such file or directory', InvalidArgument),
        ("chdir `/no`: No such file or directory", InvalidArgument),
        ("container does not exist", NotFound),
        ("error opening file `/run/crun/x/status`: No such file or directory", NotFound),
        ("cannot open directory '/run/crun/x': No such file or directory", NotFound),
        ("cannot start an already running container", FailedPrecondition),
        ("cannot open `/run/crun/x/exec.fifo`: No such file or directory", FailedPrecondition),
        ("cannot delete container x that is not stopped: running", FailedPrecondition),
        ("mkdir /x: no space left on device", ResourceExhausted),
        ("container `x` is not running", FailedPrecondition),
        ("the container `x` is not running", FailedPrecondition),
        ("something else", OrlopError),
    ],
)
def test_the_kind_of_error(message: str, kind: type[OrlopError]) -> None:
    error = runtime_error("create container abc", message)
    assert type(error) is kind
    assert str(error) == f"cannot create container abc: {message}"
