"""The request's head: well-formed ones are read, all others refused, none held without a bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.streaming.frames.errors import ProtocolError
from orlop.streaming.head import MAX_HEAD, parse_head, refusal, split_head, switching

REQUEST = (
    b"POST /exec/abc_-1?x=y HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nupgrade: SPDY/3.1\r\n"
    b"X-Stream-Protocol-Version: v4.channel.k8s.io\r\nX-Stream-Protocol-Version: v3.channel.k8s.io, v2.channel.k8s.io"
)


def test_a_request_of_crictl() -> None:
    head = parse_head(REQUEST)
    assert (head.method, head.place, head.upgrade) == ("POST", ("exec", "abc_-1"), "spdy/3.1")
    assert head.words("x-stream-protocol-version") == ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io"]


def test_an_upgrade_must_be_named_by_connection() -> None:
    assert parse_head(b"GET /a/b HTTP/1.1\r\nUpgrade: websocket").upgrade == ""
    assert parse_head(b"GET /a/b HTTP/1.1\r\nConnection: upgrade").upgrade == ""


@pytest.mark.parametrize("path", ["/", "/exec", "/exec/a/b", "//"])
def test_paths_that_name_no_stream(path: str) -> None:
    verb, token = parse_head(f"GET {path} HTTP/1.1".encode()).place
    assert not (verb and token)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET /",
        b"GET / HTTP/1.0",
        b"GET http://x/ HTTP/1.1",
        b"get / HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET / HTTP/1.1\r\nno colon",
        b"GET / HTTP/1.1\r\n folded: line",
        b"GET / HTTP/1.1\r\nname : value",
    ],
)
def test_heads_that_are_no_requests(head: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_head(head)


@given(st.binary(max_size=200))
def test_any_head_is_read_or_refused(data: bytes) -> None:
    for head in (data, b"GET / HTTP/1.1\r\n" + data):
        try:
            parse_head(head)
        except ProtocolError:
            pass


@given(st.binary(max_size=50))
def test_what_follows_the_head_is_kept(rest: bytes) -> None:
    assert split_head(REQUEST + b"\r\n\r\n" + rest) == (REQUEST, rest)


def test_a_head_that_never_ends_is_refused() -> None:
    assert split_head(REQUEST) is None
    with pytest.raises(ProtocolError, match=str(MAX_HEAD)):
        split_head(bytes(MAX_HEAD))


def test_answers() -> None:
    assert switching("SPDY/3.1", "v4.channel.k8s.io").split(b"\r\n") == [
        b"HTTP/1.1 101 Switching Protocols",
        b"Connection: Upgrade",
        b"Upgrade: SPDY/3.1",
        b"X-Stream-Protocol-Version: v4.channel.k8s.io",
        b"",
        b"",
    ]
    assert refusal(404, "no such stream").endswith(b"Content-Length: 15\r\n\r\nno such stream\n")
