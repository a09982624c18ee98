"""The loaded policy is asked for a label. What the kernel answers where it has one is looked at in tests/vm."""

import os

import pytest

from orlop.linux.selinux import known

STRICT = "/proc/self/oom_score_adj"
"""It too refuses with EINVAL what it cannot read."""


def test_the_kernels_answer_is_passed_on() -> None:
    with open(STRICT, encoding="utf-8") as opened:
        now = opened.read().strip()
    assert known(now, question=STRICT)
    assert not known("system_u:object_r:no_such_t:s0", question=STRICT)


@pytest.mark.skipif(os.path.exists("/sys/fs/selinux/context"), reason="this kernel has SELinux")
def test_nobody_answers_without_selinux() -> None:
    with pytest.raises(FileNotFoundError):
        known("system_u:object_r:container_file_t:s0")
