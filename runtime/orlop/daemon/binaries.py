"""Finds the programs that the configuration leaves to the search path. Which versions will do is said elsewhere."""

import os
import shutil
from collections.abc import Sequence

from orlop.linux.files import read_bytes, write_atomic

CONMON_DIRS = ("/usr/libexec/podman", "/usr/libexec/crio", "/usr/libexec")
PAUSE_DIRS = ("/usr/libexec/podman",)
# A service's PATH may lack the sbin directories, where distributions put runc.
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find(name: str, configured: str = "", directories: Sequence[str] = ()) -> str:
    """The program's path: as configured, or from PATH, or from the directories; empty where it is not there."""
    if configured:
        return configured if os.access(configured, os.X_OK) else ""
    path = ":".join([os.environ.get("PATH", ""), SEARCHED, *directories])
    return shutil.which(name, path=path) or ""


def conmon(configured: str) -> str:
    """conmon's path; empty where it is not there."""
    return find("conmon", configured, CONMON_DIRS)


def pause(configured: str) -> str:
    """The pause process's path; empty where there is none."""
    return find("catatonit", configured, PAUSE_DIRS)


def labelled(program: str, directory: str) -> str:
    """A copy of a program of the node that confined containers may run under SELinux: its path, below the directory.

    They may enter files that are labelled as images are (container_ro_file_t), and none of /usr/bin (bin_t); the copy
    takes the directory's label. Written where it differs, by a rename: those who run the old one go on.
    """
    copy = os.path.join(directory, os.path.basename(program))
    content = read_bytes(program)
    if not os.path.exists(copy) or read_bytes(copy) != content:
        write_atomic(copy, content, 0o755)
    return copy
