"""Which of a seccomp profile's architectures the kernel runs at all: asked by starting a program of one instruction.

A rule costs for each architecture (runc compiles 443 of them before every container and every exec), and x32 is not
built into most kernels. The kernel's answer to the call itself would be the direct question, but a filter that the
daemon runs under, such as a unit's SystemCallArchitectures=, could kill the daemon for it.
"""

import errno
import os
import platform
import struct

from orlop.aio.command_error import CommandError
from orlop.aio.process import run

_EM_386, _EM_X86_64 = 3, 62
# Each ends at once with status 0: exit(2) by the architecture's own number and instruction.
_PROGRAMS = {
    "SCMP_ARCH_X86": (_EM_386, bytes.fromhex("b801000000 31db cd80")),
    "SCMP_ARCH_X32": (_EM_X86_64, bytes.fromhex("b83c000040 31ff 0f05")),
}
_ADDRESS = 0x10000


async def not_run_here() -> frozenset[str]:
    """Architectures, in libseccomp's notation, whose programs this kernel refuses. In doubt one is left in."""
    if platform.machine() != "x86_64":
        return frozenset()  # the others' second architectures are built in, or not worth a question
    return frozenset([name for name, program in _PROGRAMS.items() if await _is_refused(*program)])


async def _is_refused(machine: int, code: bytes) -> bool:
    fd = os.memfd_create("orlop-probe", os.MFD_CLOEXEC)
    try:
        os.write(fd, program(machine, code))
        await run([f"/proc/self/fd/{fd}"], pass_fds=(fd,), timeout=5)
    except OSError as error:
        return error.errno == errno.ENOEXEC
    except CommandError:
        return False  # it was started, whatever killed it
    finally:
        os.close(fd)
    return False


def program(machine: int, code: bytes) -> bytes:
    """A 32-bit ELF executable (elf(5)): header, one program header, code."""
    header, segment = 52, 32
    entry, size = _ADDRESS + header + segment, header + segment + len(code)
    ident = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    elf = struct.pack("<16sHHIIIIIHHHHHH", ident, 2, machine, 1, entry, header, 0, 0, header, segment, 1, 0, 0, 0)
    readable_executable = 5
    return elf + struct.pack("<8I", 1, 0, _ADDRESS, _ADDRESS, size, size, readable_executable, 0x1000) + code
