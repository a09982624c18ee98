"""The helper process that makes a pod's user namespace, and the other namespaces in it: unshare(2) needs one thread.

Standard input is a socket to the daemon. A byte says that the user namespace is there; the daemon maps it and sends one
line of JSON; the answer is one line too. Then the process waits until the daemon has pinned everything: it keeps the
namespaces alive until the socket is closed.
"""

import json
import os
from typing import Any

from orlop.engine.sandbox.preparation import prepare
from orlop.linux import syscalls
from orlop.model.errors import InvalidArgument

MAPPED = b"u"
"""What is written once the user namespace is there and can be mapped."""
REQUEST_LIMIT = 1 << 20


def main() -> None:
    """The program; see `userns.make` for the other side."""
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
    except OSError as error:
        _answer({"error": "make a user namespace", "errno": error.errno})
        return
    os.write(0, MAPPED)
    request = _request()
    if not request:  # the daemon has given up, or died
        return
    _answer(_make(json.loads(request)))
    os.read(0, 1)


def _make(request: dict[str, Any]) -> dict[str, Any]:
    try:
        # Root of the user namespace from here on: IPC sysctls can be written by their namespace's root alone.
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        syscalls.unshare(request["flags"])
        prepare(request["kinds"], request["hostname"], request["sysctls"])
    except InvalidArgument as error:
        return {"refused": str(error)}
    except OSError as error:
        return {"error": "prepare the pod's namespaces", "errno": error.errno}
    return {}


def _request() -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < REQUEST_LIMIT:
        if not (chunk := os.read(0, 1 << 16)):
            return b""
        data += chunk
    return data


def _answer(told: dict[str, Any]) -> None:
    os.write(0, json.dumps(told).encode() + b"\n")
