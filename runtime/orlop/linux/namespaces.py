"""Namespaces kept alive by bind mounts, without a process inside (namespaces(7)): make, join for a moment, drop.

A thread of its own unshares, prepares the inside, mounts /proc/thread-self/ns/<kind> on the given paths, and ends. A user
namespace cannot be made so: unshare(CLONE_NEWUSER) refuses a process with threads. When pods get user namespaces, a small
single-threaded helper process makes it with the namespaces that it owns, and this module pins them by the helper's pid.
Interfaces and addresses are not here.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeVar

T = TypeVar("T")

Kind = Literal["net", "ipc", "uts"]


def pin_new(kinds: Iterable[Kind], paths: Mapping[Kind, str], inside: Callable[[], object] | None = None) -> None:
    """Make new namespaces and pin each on its path (the file is created; its directory must exist).

    `inside` runs in the thread that is already in all of them: sysctls, host name, loopback. When it or a mount fails,
    nothing stays behind and the error is raised as it is.
    """
    raise NotImplementedError


def unpin(path: str) -> None:
    """Unmount and remove a pinned namespace; not there is fine. The kernel drops it when nobody uses it any more."""
    raise NotImplementedError


def run_in_netns(path: str, fn: Callable[[], T]) -> T:
    """Run a function inside a network namespace, in a thread of its own that ends before this returns."""
    raise NotImplementedError


def same_namespace(a: str, b: str) -> bool:
    """Whether two paths (pinned or /proc/<pid>/ns/<kind>) are the same namespace. False when one is not there."""
    raise NotImplementedError
