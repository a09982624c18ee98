"""A small text at an address, for commands that a person waits for."""

import urllib.request

SECONDS = 30.0
"""Until an address that does not answer is given up."""


def text_at(address: str, limit: int) -> str:
    """The text, of at most `limit` bytes; OSError where it cannot be had, is larger, or is no text."""
    if not address.startswith(("https://", "http://")):
        raise OSError(f"{address} is no web address")
    with urllib.request.urlopen(address, timeout=SECONDS) as answer:
        data: bytes = answer.read(limit + 1)
    if len(data) > limit:
        raise OSError(f"{address} has more than {limit} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise OSError(f"{address} is no text: {error}") from error
