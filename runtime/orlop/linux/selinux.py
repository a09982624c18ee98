"""SELinux asked by its own filesystem, as libselinux does (security_check_context(3))."""

import errno
import os

QUESTION = "/sys/fs/selinux/context"


def known(label: str, *, question: str = QUESTION) -> bool:
    """Whether the policy that is loaded now has this label (user:role:type:level).

    True also where the policy forbids to ask: then whatever uses the label tells. Raises OSError where the kernel has
    no SELinux.
    """
    descriptor = os.open(question, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.write(descriptor, label.encode() + b"\0")
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EACCES):
            raise
        return error.errno == errno.EACCES
    finally:
        os.close(descriptor)
    return True
