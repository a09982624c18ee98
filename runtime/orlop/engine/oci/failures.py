"""An OCI runtime's complaints turned into one readable sentence and the fitting error of the model."""

from orlop.model.errors import OrlopError


def explain(stderr: str) -> str:
    """The last error in a runtime's log output (JSON lines, logfmt or plain), as one line."""
    raise NotImplementedError


def runtime_error(doing: str, stderr: str) -> OrlopError:
    """The error for a failed command; doing is for example "create container 1234"."""
    raise NotImplementedError
