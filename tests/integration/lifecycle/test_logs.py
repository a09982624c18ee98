"""Container logs in the CRI's format, and their rotation."""

import os
import re

from tests.harness.cri import Cri, refused
from tests.harness.foreign import FOREIGN, ours
from tests.harness.pods import Pods, eventually
from tests.integration.lifecycle.conftest import each_handler

DIGITS = "{1,9}" if FOREIGN else "{9}"
"""Of a second's fraction. Go's RFC3339Nano, which others write, leaves out zeros at the end; ours has all nine."""
STAMP = re.compile(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{DIGITS}(Z|[+-]\d\d:\d\d)")


@each_handler
def test_each_line_has_time_stream_and_tag(pods: Pods) -> None:
    container = pods.run().start("sh", "-c", "echo out; echo err >&2; echo ünïcode")
    container.wait()
    lines = container.log()
    assert all(STAMP.fullmatch(line.time) for line in lines)
    assert {(line.stream, line.tag, line.text) for line in lines} == {
        ("stdout", "F", "out"),
        ("stderr", "F", "err"),
        ("stdout", "F", "ünïcode"),
    }


def test_an_unfinished_line_is_marked_partial(pods: Pods) -> None:
    container = pods.run().start("sh", "-c", "printf begin; sleep 0.2; echo ' end'; printf rest")
    container.wait()
    assert container.output() == "begin end\nrest"
    assert container.log()[-1].tag == "P"


def test_a_long_line_arrives_whole(pods: Pods) -> None:
    container = pods.run().start("sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo")
    container.wait()
    assert container.output() == "x" * 100000 + "\n"


def test_a_terminal_has_one_stream(pods: Pods) -> None:
    container = pods.run().start("sh", "-c", "[ -t 0 ] && [ -t 1 ] && echo tty; echo err >&2", tty=True, stdin=True)
    container.wait()
    assert container.output().replace("\r", "") == "tty\nerr\n"


def test_reopen_after_a_rename_goes_on_in_a_new_file(pods: Pods, cri: Cri) -> None:
    container = pods.run().start("sh", "-c", "echo before; while [ ! -e /go ]; do sleep 0.05; done; echo after")
    eventually(lambda: container.output() == "before\n")
    old = container.log_file.with_suffix(".old")
    os.rename(container.log_file, old)
    cri("ReopenContainerLog", container_id=container.id)
    assert container.log_file.exists()
    # No look at its exit code: the end that it brings about may kill it.
    container.exec("touch", "/go")
    container.wait()
    assert old.read_text().endswith(" F before\n")
    assert container.output() == "after\n"


def test_reopen_needs_a_running_container(pods: Pods, cri: Cri) -> None:
    container = pods.run().start("true")
    container.wait()
    with refused("FAILED_PRECONDITION", container.config["metadata"]["name"]):
        cri("ReopenContainerLog", container_id=container.id)


def test_without_a_log_path_there_is_no_log(pods: Pods) -> None:
    container = pods.run().start("echo", "unheard", log_path="")
    assert container.wait().exit_code == 0
    assert container.status().log_path == ""


@ours("such a log path is refused")
def test_a_log_path_may_not_leave_the_pods_directory(pods: Pods) -> None:
    with refused("INVALID_ARGUMENT", "log_path"):
        pods.run().create(log_path="../../escape.log")


def test_the_log_directory_keeps_its_mode(pods: Pods) -> None:
    config = pods.config()
    os.chmod(config["log_directory"], 0o700)
    pods.run_as(config).start("true").wait()
    assert os.stat(config["log_directory"]).st_mode & 0o777 == 0o700
