"""orlop image: the store filled, shown and emptied from the command line."""

import asyncio
import json
import os

import pytest
from click.testing import CliRunner, Result

from orlop.cli.main import cli
from tests.fakes.images import ImageBuilder, oci_archive
from tests.parts import image_store

IMAGE = ImageBuilder().layer({"a": b"1" * 5000}).build()
NAME = "example.org/app:1"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "orlop.toml"
    places = f'[daemon]\nroot_dir = "{tmp_path}/root"\nstate_dir = "{tmp_path}/state"\n'
    path.write_text(
        f'{places}[images]\nregistries_conf = ""\n'
    )  # what short names mean on this machine is not for tests
    return str(path)


@pytest.fixture
def archive(tmp_path):
    return oci_archive(str(tmp_path / "app.tar"), {NAME: IMAGE})


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, ["image", *args])


def test_import_list_and_remove(config, archive, tmp_path):
    result = run("import", archive, "--config", config)
    assert result.exit_code == 0, result.output
    assert NAME in result.output and IMAGE.id[7:19] in result.output
    listed = json.loads(run("list", "--config", config, "--output", "json").output)
    assert [(each["id"], each["tags"]) for each in listed] == [(IMAGE.id, [NAME])]
    assert run("import", archive, "-t", "app", "--config", config).exit_code == 0
    assert run("remove", NAME, "--config", config).output == f"removed the name {NAME}\n"
    assert run("remove", "app", "--config", config).output == f"removed {IMAGE.id}\n"
    assert os.listdir(tmp_path / "root/layers") == []


def test_export(config, archive, tmp_path):
    assert run("import", archive, "--config", config).exit_code == 0
    out = str(tmp_path / "out.tar")
    told = run("export", out, NAME, "--config", config)
    assert told.exit_code == 0 and f"exported {NAME} with layers made again: its id is " in told.output
    assert f"not {IMAGE.id}" in told.output
    with open(config, "a") as file:
        file.write("keep_layers = true\n")
    assert run("remove", NAME, "--config", config).exit_code == 0
    assert run("import", archive, "--config", config).exit_code == 0
    assert run("export", out, NAME, "--config", config).output == f"exported {NAME}, manifest {IMAGE.digest}\n"


def test_failures_are_sentences(config, tmp_path):
    for args, text in (
        (("remove", "none:1"), "Error: no image is called 'none:1'"),
        (("import", str(tmp_path)), "no image archive"),
        (("export", str(tmp_path / "out.tar"), "none:1"), "Error: no image is called 'none:1'"),
        (("import", str(tmp_path / "missing")), "does not exist"),
    ):
        result = run(*args, "--config", config)
        assert result.exit_code != 0 and text in result.output


async def test_what_a_container_uses_stays(config, archive, tmp_path):
    async with image_store.opened(tmp_path) as store:
        (record,) = await store.images.import_archive(archive)
        await store.roots.prepare("c1", record.layers)
    try:
        answer = await asyncio.to_thread(run, "remove", NAME, "--config", config)
        assert answer.exit_code == 1 and "is in use by a container" in answer.output
    finally:
        await store.roots.release("c1")
