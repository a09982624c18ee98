"""Plugins in the directory with a network's name: behind the conflist's own, followed, and never lost silently."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.cni.conflist import BadConfig, parse
from orlop.engine.cni.directory import Scan, scan
from orlop.engine.cni.dropins import with_those_in
from tests.fakes.cni import FakePlugins
from tests.harness.waiting import until
from tests.unit.engine.cni.test_network import POD, made


def lay(directory: Path, more: dict[str, Any], **list_fields: Any) -> Path:
    """A conflist of network "net" and files beside it; the answer is their directory."""
    content = {"cniVersion": "1.1.0", "name": "net", "plugins": [{"type": "bridge"}], **list_fields}
    (directory / "10-net.conflist").write_text(json.dumps(content))
    beside = directory / "net"
    beside.mkdir(exist_ok=True)
    for name, plugin in more.items():
        (beside / name).write_text(plugin if isinstance(plugin, str) else json.dumps(plugin))
    return beside


def types(found: Scan) -> list[str]:
    assert found.network is not None
    return [plugin.type for plugin in found.network.plugins]


def test_they_come_behind_the_lists_own_in_name_order(tmp_path: Path) -> None:
    lay(tmp_path, {"20-b.conf": {"type": "b"}, "10-a.conf": {"type": "a"}, "c.json": {"type": "c"}, ".d.conf": "{"})
    found = scan(str(tmp_path))
    assert types(found) == ["bridge", "a", "b"]
    assert found.places == (f"{tmp_path}/net",)
    assert scan(str(tmp_path), "", found).network is found.network
    # What goes on record is the whole chain, for a DEL after the files have gone.
    assert found.network is not None
    assert [plugin.type for plugin in parse(found.network.text, "record").plugins] == ["bridge", "a", "b"]
    assert json.loads(found.network.text)["loadOnlyInlinedPlugins"] is True


def test_a_network_may_have_no_others(tmp_path: Path) -> None:
    lay(tmp_path, {"a.conf": {"type": "a", "capabilities": {"mac": True}}}, plugins=[])
    assert types(scan(str(tmp_path))) == ["a"]


@pytest.mark.parametrize("on", [True, "true"])
def test_a_list_may_want_none(tmp_path: Path, on: object) -> None:
    lay(tmp_path, {"a.conf": {"type": "a"}}, loadOnlyInlinedPlugins=on)
    found = scan(str(tmp_path))
    assert types(found) == ["bridge"]
    assert found.places == ()


def test_a_single_plugins_file_has_none(tmp_path: Path) -> None:
    beside = lay(tmp_path, {"a.conf": {"type": "a"}})
    (tmp_path / "10-net.conflist").unlink()
    (tmp_path / "10-net.conf").write_text('{"cniVersion": "1.1.0", "name": "net", "type": "bridge"}')
    assert beside.is_dir()
    assert types(scan(str(tmp_path))) == ["bridge"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "is not JSON"), ("{}", "lacks the field type"), ('{"type": "../sh"}', "bad field type"), ("[]", "object")],
)
def test_a_malformed_one_spoils_its_network_with_its_own_name(tmp_path: Path, text: str, words: str) -> None:
    beside = lay(tmp_path, {"a.conf": text})
    found = scan(str(tmp_path))
    assert found.network is None
    assert f"{beside}/a.conf" in found.problems[0] and words in found.problems[0]
    assert found.places == (str(beside),)  # for it will be mended there
    (beside / "a.conf").write_text('{"type": "a"}')
    good = scan(str(tmp_path), "", found)
    (beside / "a.conf").write_text(text)
    bad = scan(str(tmp_path), "", good)
    assert bad.network is good.network
    assert "last good content" in bad.problems[0]


def test_a_link_to_nowhere_is_told(tmp_path: Path) -> None:
    (lay(tmp_path, {}) / "a.conf").symlink_to("nowhere")
    assert "a.conf is not a regular file" in scan(str(tmp_path)).problems[0]


@given(list_text=st.binary(max_size=40), more=st.binary(max_size=40))
def test_no_input_does_worse_than_a_complaint(
    tmp_path_factory: pytest.TempPathFactory, list_text: bytes, more: bytes
) -> None:
    directory = tmp_path_factory.getbasetemp() / "dropins"
    directory.mkdir(exist_ok=True)
    (directory / "a.conf").write_bytes(more)
    for data in (list_text, b'{"cniVersion": "1.1.0", "name": "n", "plugins": [{"type": "x"}]}'):
        try:
            parse(with_those_in(str(directory), data, "x.conflist"), "x.conflist")
        except BadConfig:
            pass


async def test_they_are_followed_and_owed_their_del(fake: FakePlugins) -> None:
    fake.install("one", "more").configure("10-net.conflist", "one")
    network = made(fake)
    await network.start()
    beside = fake.conf / "net"
    beside.mkdir()
    (beside / "a.conf").write_text('{"type": "more"}')
    await until(lambda: network.describe()["plugins"] == ["one", "more"])
    await network.add(POD)
    (beside / "a.conf").unlink()
    await until(lambda: network.describe()["plugins"] == ["one"])
    beside.rmdir()
    await network.remove(POD)
    assert fake.order() == ["ADD one", "ADD more", "DEL more", "DEL one"]
    assert fake.results() == []
    beside.mkdir()  # anew
    (beside / "b.conf").write_text('{"type": "more"}')
    await until(lambda: network.describe()["plugins"] == ["one", "more"])
    await network.close()
