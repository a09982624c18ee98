"""How a command's end is told on the error stream: as v1.Status of Kubernetes since v4, as plain text before."""

import json


def exited(code: int) -> bytes:
    """The command ended by itself."""
    if code == 0:
        return _encode({"metadata": {}, "status": "Success"})
    return _encode(
        {
            "metadata": {},
            "status": "Failure",
            "message": f"command terminated with exit code {code}",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
        }
    )


def failed(message: str) -> bytes:
    """The command could not be run, or was ended."""
    return _encode({"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500})


def exited_text(code: int) -> bytes:
    """The same for protocols before v4: silence is success."""
    return f"command terminated with exit code {code}".encode() if code else b""


def _encode(status: dict[str, object]) -> bytes:
    return json.dumps(status, ensure_ascii=False).encode()
