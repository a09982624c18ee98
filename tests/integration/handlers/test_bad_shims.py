"""Shims that answer nonsense: each is an error with its own words, of a bounded length, and the node goes on."""

from pathlib import Path

import grpc
import pytest

from tests.fakes import bad_shim
from tests.harness.node import Node
from tests.harness.pods import Pods

WORDS = {
    "flood": "wrote more than 1048576 bytes to stdout",
    "nobody": "/nonexistent/shim.sock",
    "words": "a shim in the best of health",
    "garbage": "answered no response of ttrpc",
    "oversized": "more than a message may have",
    "wordy": "no",
    "http": "another protocol",
    "closes": "closed the connection",
}
"""How a shim is broken, and what is said of it."""
MOST = 4096
"""Bytes of an error's text: gRPC's clients take 8 KiB of trailers."""


@pytest.mark.timeout(300)
def test_each_kind_of_nonsense_is_told_and_bounded(own_node: Node, own_pods: Pods, tmp_path: Path) -> None:
    for name in WORDS:
        (tmp_path / name).symlink_to(bad_shim.__file__)
    handlers = {name: {"type": "shim", "path": str(tmp_path / name)} for name in WORDS}
    own_node.configure({"handlers": handlers})
    own_node.restart()
    for name, words in WORDS.items():
        own_pods.handler = name
        with pytest.raises(grpc.RpcError) as refused:
            own_pods.run()
        told = refused.value.details()
        assert words in told, (name, told[:1000])
        assert len(told.encode()) < MOST and "\x1b" not in told, name
    own_pods.handler = ""
    pod = own_pods.run()
    assert pod.start().sh("echo alive") == "alive"
    assert [each.id for each in own_node.cri("ListPodSandbox").items] == [pod.id]
