"""The result cache: libcni's layout, intents without a result, and files that others edited or cut short."""

import base64
import json
from pathlib import Path

import pytest

from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.cache import Entry, ResultCache
from orlop.engine.cni.request import request_for

POD = Attachment(pod_id="abc", namespace="web", name="front", uid="u-1", netns="/run/ns/net")
ENTRY = Entry(network="net", request=request_for(POD, {"portMappings": [{"hostPort": 1}]}), config=b'{"name": "net"}')


@pytest.fixture
def cache(tmp_path: Path) -> ResultCache:
    return ResultCache(str(tmp_path))


def content(tmp_path: Path) -> dict[str, object]:
    value: dict[str, object] = json.loads((tmp_path / "results/net-abc-eth0").read_text())
    return value


def test_the_file_is_laid_out_as_libcni_does(cache: ResultCache, tmp_path: Path) -> None:
    cache.write(ENTRY.with_result(b'{"ips": []}'))
    written = content(tmp_path)
    assert written.pop("runtime") == "orlop"
    assert written == {
        "kind": "cniCacheV1",
        "containerId": "abc",
        "config": base64.b64encode(b'{"name": "net"}').decode(),
        "ifName": "eth0",
        "networkName": "net",
        "netns": "/run/ns/net",
        "cniArgs": [
            ["IgnoreUnknown", "1"],
            ["K8S_POD_NAMESPACE", "web"],
            ["K8S_POD_NAME", "front"],
            ["K8S_POD_INFRA_CONTAINER_ID", "abc"],
            ["K8S_POD_UID", "u-1"],
        ],
        "capabilityArgs": {"portMappings": [{"hostPort": 1}]},
        "result": {"ips": []},
    }
    assert (tmp_path / "results/net-abc-eth0").stat().st_mode & 0o777 == 0o600


def test_what_is_written_is_found_again(cache: ResultCache) -> None:
    cache.write(ENTRY)
    assert cache.find("abc", "eth0") == [ENTRY]
    cache.write(ENTRY.with_result(b"{}"))
    assert cache.find("abc", "eth0") == cache.all() == [ENTRY.with_result(b"{}")]
    assert cache.find("abc", "eth1") == cache.find("bc", "eth0") == []


def test_dropping_twice_is_fine(cache: ResultCache) -> None:
    cache.write(ENTRY)
    cache.drop(ENTRY)
    cache.drop(ENTRY)
    assert cache.all() == []


def test_a_directory_that_is_not_there_is_an_empty_one(cache: ResultCache) -> None:
    assert cache.all() == []


def test_another_runtimes_file_is_read_but_not_ours(cache: ResultCache, tmp_path: Path) -> None:
    cache.write(ENTRY)
    theirs = content(tmp_path)
    del theirs["runtime"]
    (tmp_path / "results/net-abc-eth0").write_text(json.dumps(theirs))
    assert [entry.ours for entry in cache.all()] == [False]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"kind": "other"}', b'{"kind":"cniCacheV1","config":"*"}'])
def test_a_damaged_file_still_says_that_a_del_is_owed(cache: ResultCache, tmp_path: Path, damage: bytes) -> None:
    cache.write(ENTRY)
    (tmp_path / "results/net-abc-eth0").write_bytes(damage)
    (found,) = cache.find("abc", "eth0")
    assert (found.network, found.request.pod_id, found.config) == ("net", "abc", b"")
    assert cache.all() == []


def test_a_file_whose_content_names_another_is_not_believed(cache: ResultCache, tmp_path: Path) -> None:
    cache.write(ENTRY)
    lie = content(tmp_path) | {"networkName": "../../etc"}
    (tmp_path / "results/net-abc-eth0").write_text(json.dumps(lie))
    assert cache.find("abc", "eth0")[0].network == "net"
