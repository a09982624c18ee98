"""What is done inside a pod's new namespaces before anybody can join them: loopback, host name, sysctls.

Runs in a thread of the daemon, or in the helper process of a pod with a user namespace; that one's start is a pod's
time, so this module imports little.
"""

import os
from collections.abc import Iterable

from orlop.engine.sandbox import loopback
from orlop.linux.syscalls import sethostname
from orlop.model.errors import InvalidArgument


def prepare(kinds: Iterable[str], hostname: str, settings: Iterable[tuple[str, str, str]]) -> None:
    """Prepare the calling thread's namespaces. `settings` are sysctls: name as asked for, path, value.

    Raises InvalidArgument naming a sysctl that the kernel does not take.
    """
    if "net" in kinds:
        loopback.bring_up()
    if "uts" in kinds:
        sethostname(hostname)
    for key, path, value in settings:
        _write(key, path, value)


def _write(key: str, path: str, value: str) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
    except FileNotFoundError as error:
        raise InvalidArgument(f"sysctl {key!r}: the kernel has no such setting in a pod's namespace") from error
    except OSError as error:
        raise InvalidArgument(
            f"sysctl {key!r}: the kernel refuses {value!r}: {os.strerror(error.errno or 0)}"
        ) from error
