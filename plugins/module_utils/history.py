"""Which declarations a node has had: the one that a run attempts, and those that a run brought to its end.

Two files beside the record, changed by rename and readable by root alone, for a declaration may hold a password.
"""

from __future__ import annotations

import json
import os
import time

from ansible_collections.orlop.node.plugins.module_utils.record import DIRECTORY, read_text, write_atomic

LENGTH = 10
"""Applied declarations that are kept; the oldest goes first."""


class NoWayBack(Exception):
    """There is nothing that the node may go back to; the text says why and what to do."""


class History:
    """The node's declarations in the order in which they were applied, the newest last."""

    def __init__(self, directory=DIRECTORY):
        self.directory = directory
        self.attempted_path = os.path.join(directory, "attempted.json")
        self.applied_path = os.path.join(directory, "applied.json")
        self.attempted = _read(self.attempted_path)
        self.applied = _read(self.applied_path) or []

    def attempt(self, kubernetes, declaration):
        """A run begins with this; an interrupted one is seen by it."""
        self.attempted = {"kubernetes": kubernetes, "declaration": declaration}
        self._write(self.attempted_path, self.attempted)

    def apply(self, kubernetes, declaration, when=None):
        """A run has ended well with this. The same one again is no news."""
        newest = self.applied[-1] if self.applied else {}
        if newest.get("declaration") == declaration and newest.get("kubernetes") == kubernetes:
            return
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
        self.applied = [*self.applied, {"kubernetes": kubernetes, "declaration": declaration, "at": at}][-LENGTH:]
        self._write(self.applied_path, self.applied)

    def way_back(self):
        """What to go back to: the newest applied one that is not what the last run attempted.

        Raises NoWayBack where there is none, or where it is of another Kubernetes minor: binaries and the cluster's
        state do not go back across a minor.
        """
        attempted = self.attempted or (self.applied[-1] if self.applied else {})
        others = [each for each in self.applied if each["declaration"] != attempted.get("declaration")]
        if not others:
            raise NoWayBack(
                "this node has had no other declaration that was applied to its end:"
                " change orlop_node and run the playbook that made the node"
            )
        target = others[-1]
        if target["kubernetes"] != attempted["kubernetes"]:
            raise NoWayBack(
                f"the declaration before is of Kubernetes {target['kubernetes']}, the node's is of"
                f" {attempted['kubernetes']}: a node never goes back across a minor; make it anew (reset.yml, then"
                " node.yml) where it must"
            )
        return target

    def _write(self, path, content):
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        if read_text(path) != text:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            write_atomic(path, text, 0o600)


def _read(path):
    """A file's content, None where there is none; what cannot be read is named, not guessed at."""
    text = read_text(path)
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error}): move it away; only going back needs it") from error
