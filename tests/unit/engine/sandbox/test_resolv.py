"""The lines of resolv.conf, and what must not become one. Fuzzed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.sandbox.resolv import resolv_conf
from orlop.model.errors import InvalidArgument
from orlop.model.pod import DNSConfig


def test_the_lines_of_a_cluster_pod() -> None:
    dns = DNSConfig(
        servers=("10.96.0.10", "fd00::a", "fe80::1%eth0"),
        searches=("web.svc.cluster.local", "."),
        options=("ndots:5", "edns0"),
    )
    assert resolv_conf(dns) == (
        "search web.svc.cluster.local .\n"
        "nameserver 10.96.0.10\nnameserver fd00::a\nnameserver fe80::1%eth0\n"
        "options ndots:5 edns0\n"
    )


def test_nothing_asked_is_nothing_written() -> None:
    assert resolv_conf(DNSConfig()) == ""


@pytest.mark.parametrize(
    ("dns", "words"),
    [
        (DNSConfig(servers=("dns.example",)), "servers: 'dns.example' is not an IP address"),
        (DNSConfig(servers=("fe80::1%a\nnameserver 6.6.6.6",)), "servers"),
        (DNSConfig(searches=("a\nnameserver 6.6.6.6",)), "searches"),
        (DNSConfig(searches=("a b",)), "searches"),
        (DNSConfig(searches=("",)), "searches"),
        (DNSConfig(options=("ndots:5;",)), "options"),
        (DNSConfig(servers=("10.0.0.1",) * 33), "33 entries"),
        (DNSConfig(searches=("a",) * 257), "257 entries"),
    ],
)
def test_what_would_break_the_file_is_refused(dns: DNSConfig, words: str) -> None:
    with pytest.raises(InvalidArgument, match=r"config\.dns_config\.") as caught:
        resolv_conf(dns)
    assert words in str(caught.value)


words = st.lists(st.text(max_size=20), max_size=3).map(tuple)
servers = st.lists(st.ip_addresses().map(str) | st.text(max_size=20), max_size=3).map(tuple)


@given(servers, words, words)
def test_each_entry_stays_one_word_of_one_line(
    servers: tuple[str, ...], searches: tuple[str, ...], options: tuple[str, ...]
) -> None:
    try:
        text = resolv_conf(DNSConfig(servers=servers, searches=searches, options=options))
    except InvalidArgument:
        return
    lines = [line.split() for line in text.splitlines()]
    assert [line[1] for line in lines if line[0] == "nameserver"] == list(servers)
    assert [line[1:] for line in lines if line[0] == "search"] == ([list(searches)] if searches else [])
    assert [line[1:] for line in lines if line[0] == "options"] == ([list(options)] if options else [])
