"""Leaving out what the kernel cannot run changes no verdict on what it can."""

import itertools
import platform
from collections.abc import AsyncIterator

import pytest

from orlop.aio.reaper import Reaper
from orlop.engine.oci.seccomp import kernel
from orlop.engine.oci.seccomp.default import NEW_NAMESPACES
from orlop.engine.oci.seccomp.profile import Profiles
from orlop.model.security import SecurityProfile
from tests.fakes.seccomp import ALLOW, ERRNO, KILL, Filter

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines have no such architectures")

HIGHEST = 600
"""Above every call's number."""
SAMPLES = (0, 1, 8, 40, 0x20008, 0xFFFFFFFF, NEW_NAMESPACES, 1 << 28)
"""First arguments on which rules decide, and others."""


@pytest.fixture
async def reaper() -> AsyncIterator[None]:
    """Starting a program makes this process adopt orphans; other tests count on not having to."""
    yield
    Reaper.current().close()


def _filters(capabilities: frozenset[str]) -> list[Filter]:
    both = []
    for left_out in (frozenset[str](), frozenset(["SCMP_ARCH_X32"])):
        profile = Profiles(not_run_here=left_out).profile_for(SecurityProfile(), capabilities)
        assert profile is not None
        both.append(Filter(profile))
    return both


@pytest.mark.parametrize("capabilities", [frozenset[str](), frozenset(["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"])])
def test_without_x32_every_other_call_has_the_same_verdict(capabilities: frozenset[str]) -> None:
    whole, lean = _filters(capabilities)
    assert len(lean.program) < len(whole.program)
    seen = set()
    for arch, number, first in itertools.product(("x86_64", "i386"), range(HIGHEST), SAMPLES):
        verdict = whole.verdict(arch, number, (first,))
        assert lean.verdict(arch, number, (first,)) == verdict, (arch, number, first)
        seen.add(verdict & 0xFFFF0000)
    assert seen == {ALLOW, ERRNO}


def test_a_call_by_a_number_of_x32_ends_its_process() -> None:
    whole, lean = _filters(frozenset())
    x32_getpid = 0x40000000 | 39
    assert whole.verdict("x86_64", x32_getpid) == ALLOW
    assert lean.verdict("x86_64", x32_getpid) == KILL


@pytest.mark.usefixtures("reaper")
async def test_the_kernel_is_asked_by_a_program() -> None:
    refused = await kernel.not_run_here()
    assert refused <= {"SCMP_ARCH_X86", "SCMP_ARCH_X32"}
    # No kernel runs a 32-bit program of a machine that it is not: ARM's number.
    assert await kernel._is_refused(40, b"")
    if "SCMP_ARCH_X86" not in refused:
        assert not await kernel._is_refused(*kernel._PROGRAMS["SCMP_ARCH_X86"])


async def test_other_machines_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert await kernel.not_run_here() == frozenset()
