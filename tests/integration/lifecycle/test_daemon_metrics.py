"""The daemon's own metrics, read as Prometheus does, after real requests."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.node import Node


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_requests_are_counted_and_a_port_that_is_taken_is_told(new_node: Callable[..., Node]) -> None:
    port = _free_port()
    with new_node(metrics={"address": f":{port}"}) as node:
        node.start()
        node.cri("Version")
        with pytest.raises(grpc.RpcError):
            node.cri("ContainerStatus", container_id="nothing")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        samples = {
            (sample.labels.get("rpc"), sample.labels.get("outcome")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "orlop_requests_total"
        }
        assert samples["Version", "ok"] >= 1
        assert samples["ContainerStatus", "NOT_FOUND"] == 1
        node.stop()
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30)
        with socket.create_server(("127.0.0.1", port)):
            ended = node.start_another()
        assert ended.status == 1
        assert f"metrics.address ':{port}' cannot be served" in ended.output
