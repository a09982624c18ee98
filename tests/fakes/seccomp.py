"""libseccomp and the kernel's filter machine: what a runtime-spec profile says about a call, without making it.

`Filter(profile)` has the real libseccomp compile the profile, as an OCI runtime does; `verdict` interprets the program
that the kernel would get (the few classic BPF instructions that libseccomp writes).
"""

import ctypes
import errno
import os
import struct
from typing import Any

AUDIT_ARCHES = {"x86_64": 0xC000003E, "i386": 0x40000003}
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x00000000
_LD_ABS, _JA, _JEQ, _JGT, _JGE, _JSET, _RET, _AND = 0x20, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06, 0x54
_OPS = "NE LT LE EQ GE GT MASKED_EQ".split()
_ACTIONS = {"SCMP_ACT_ALLOW": ALLOW, "SCMP_ACT_ERRNO": ERRNO}


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


class Filter:
    """A compiled profile."""

    def __init__(self, profile: dict[str, Any]) -> None:
        self.program = _compiled(profile)

    def verdict(self, arch: str, number: int, args: tuple[int, ...] = ()) -> int:
        """SECCOMP_RET_* of a call."""
        data = struct.pack("<iIQ6Q", number, AUDIT_ARCHES[arch], 0, *args, *(0,) * (6 - len(args)))
        accumulator, at = 0, 0
        while True:
            code, yes, no, value = self.program[at]
            at += 1
            if code == _RET:
                return value
            if code == _LD_ABS:
                accumulator = struct.unpack_from("<I", data, value)[0]
            elif code == _AND:
                accumulator &= value
            elif code == _JA:
                at += value
            else:
                at += yes if _holds(code, accumulator, value) else no


def _holds(code: int, accumulator: int, value: int) -> bool:
    comparisons = {
        _JEQ: accumulator == value,
        _JGT: accumulator > value,
        _JGE: accumulator >= value,
        _JSET: bool(accumulator & value),
    }
    return comparisons[code]


def _compiled(profile: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ERRNO | profile["defaultErrnoRet"]))
    for name in profile["architectures"]:
        token = library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
        if (result := library.seccomp_arch_add(context, ctypes.c_uint32(token))) not in (0, -errno.EEXIST):
            raise OSError(-result, name)
    for rule in profile["syscalls"]:
        action = _ACTIONS[rule["action"]] | rule.get("errnoRet", 0)
        args = [_comparison(argument) for argument in rule.get("args", ())]
        for name in rule["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number != -1:  # unknown to this libseccomp: runtimes skip it
                array = (_Comparison * len(args))(*args)
                library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(args), array)
    fd = os.memfd_create("filter")
    try:
        assert library.seccomp_export_bpf(context, fd) == 0
        program = os.pread(fd, 1 << 20, 0)
    finally:
        os.close(fd)
        library.seccomp_release(context)
    return list(struct.iter_unpack("<HBBI", program))


def _comparison(argument: dict[str, Any]) -> _Comparison:
    op = 1 + _OPS.index(argument["op"].removeprefix("SCMP_CMP_"))
    return _Comparison(argument["index"], op, argument["value"], argument["valueTwo"])
