"""One plugin run: its input, its output, its time limit, its absence."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from orlop.config.schema import Network
from orlop.engine.cni.failures import PluginError, PluginTimedOut
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.request import Command
from orlop.engine.cni.result import OUTPUT_LIMIT
from orlop.model.errors import TimedOut, Unavailable
from tests.fakes.cni import FakePlugins


async def call(plugins: Plugins, kind: str = "bridge", command: Command = Command.ADD, timeout: float = 10.0) -> bytes:
    return await plugins.call(
        command, kind, b'{"x":1}', network="net", variables={"CNI_IFNAME": "eth0"}, timeout=timeout, pod="web/front"
    )


async def failure(plugins: Plugins, **more: float) -> PluginError:
    with pytest.raises(PluginError) as caught:
        await call(plugins, **more)  # type: ignore[arg-type]  # only the time limit is given
    assert "network 'net'" in str(caught.value)
    assert "'bridge'" in str(caught.value)
    assert (caught.value.plugin, caught.value.network) == ("bridge", "net")
    return caught.value


async def test_a_plugin_is_fed_and_its_output_returned(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("bridge").prints("bridge", "ADD", "out")
    assert await call(plugins) == b"out"
    assert fake.stdin("bridge", "ADD") == {"x": 1}
    environment = fake.environment("bridge", "ADD")
    assert environment["CNI_COMMAND"] == "ADD"
    assert environment["CNI_IFNAME"] == "eth0"
    assert environment["CNI_PATH"] == f"/nonexistent:{fake.bin}"
    assert environment["PATH"] == "/usr/bin:/bin"


async def test_a_missing_plugin_is_named_with_the_directories(fake: FakePlugins, plugins: Plugins) -> None:
    (fake.bin / "bridge").write_text("not executable")
    error = await failure(plugins)
    assert f"not in /nonexistent, {fake.bin}" in str(error)


async def test_the_first_directory_that_has_it_wins_and_one_may_be_missing(fake: FakePlugins, tmp_path: Path) -> None:
    fake.install("bridge").prints("bridge", "ADD", "the first")
    second = tmp_path / "second"
    second.mkdir()
    for name in ("bridge", "other"):
        (second / name).write_text("#!/bin/sh\necho the second\n")
        (second / name).chmod(0o755)
    places = [str(tmp_path / "missing"), str(fake.bin), str(second)]
    plugins = Plugins(places, {})
    assert await call(plugins) == b"the first"
    assert await call(plugins, "other") == b"the second\n"
    assert fake.environment("bridge", "ADD")["CNI_PATH"] == ":".join(places)  # a delegating plugin searches so too


def test_each_distributions_place_is_searched_without_being_told() -> None:
    """What a network brings by itself comes first; then Debian's package, then Fedora's and RHEL's."""
    assert Network().plugin_dirs == ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")


async def test_a_failing_plugin_is_quoted(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("bridge").fails("bridge", "ADD", code=7, msg="bad subnet", details="10.0.0.0/31")
    error = await failure(plugins)
    assert "failed ADD for pod web/front: bad subnet; 10.0.0.0/31 (code 7)" in str(error)
    assert error.code == 7
    assert isinstance(error, Unavailable)


async def test_a_plugin_that_crashes_is_quoted(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("bridge").does("bridge", "ADD", "echo oh no >&2; kill -9 $$\n")
    assert "signal 9: oh no" in str(await failure(plugins))


async def test_a_plugin_that_hangs_is_killed_with_its_children(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("bridge").hangs("bridge", "ADD")
    began = time.monotonic()
    error = await failure(plugins, timeout=0.5)
    assert isinstance(error, PluginTimedOut)
    assert isinstance(error, TimedOut)
    assert "within 0.5 s" in str(error)
    assert time.monotonic() - began < 60
    # It was killed before the error came; dying takes the kernel a moment.
    while not _is_dead(fake.hung_child()):
        assert time.monotonic() - began < 60
        await asyncio.sleep(0.01)


def _is_dead(pid: int) -> bool:
    """Gone, or killed and not reaped yet by whoever inherited it."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


async def test_endless_output_is_cut_off(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("bridge").does("bridge", "ADD", "yes\n")
    assert str(OUTPUT_LIMIT) in str(await failure(plugins))


async def test_a_file_that_is_no_program_is_told(fake: FakePlugins, plugins: Plugins) -> None:
    (fake.bin / "bridge").write_bytes(b"\x7fELF\x00")
    (fake.bin / "bridge").chmod(0o755)
    assert "cannot be started" in str(await failure(plugins))


async def test_a_plugin_that_is_being_installed_is_awaited(fake: FakePlugins, plugins: Plugins) -> None:
    fake.install("bridge").prints("bridge", "ADD", "out")
    writer = os.open(fake.bin / "bridge", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    running = asyncio.create_task(call(plugins))
    await asyncio.sleep(0.05)
    assert not running.done()
    os.close(writer)
    assert await running == b"out"
