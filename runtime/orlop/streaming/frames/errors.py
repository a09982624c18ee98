"""What is wrong with bytes that a client sent."""


class ProtocolError(Exception):
    """The client does not speak the protocol; its connection cannot go on."""
