"""orlop image: import, export, list and remove images without a registry and without the daemon.

It works on the store itself, whether the daemon runs or not; a running one sees the change at once. What containers use
is not removed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import click

from orlop.cli.options import config_option, output_option
from orlop.cli.printing import print_json, print_table
from orlop.engine.images.store import Images
from orlop.model.errors import NotFound, OrlopError
from orlop.model.image import ImageRecord

T = TypeVar("T")


@click.group()
def image() -> None:
    """Import, export, list and remove images without a registry.

    \b
    Examples:
      orlop image import app.tar
      orlop image import --tag example.org/app:1 ./layout
      orlop image export app.tar example.org/app:1
      orlop image list --output json
      orlop image remove example.org/app:1
    """


@image.command("import")
@click.argument("path", type=click.Path(exists=True))
@click.option(
    "--tag", "-t", "tags", multiple=True, help="Name of the image, in place of the archive's own. Repeatable."
)
@config_option
@output_option
def import_(path: str, tags: Sequence[str], config_path: str | None, output: str) -> None:
    """Bring images into the store from PATH: an OCI layout (directory or tar) or a docker-save archive."""
    _show(_with_images(config_path, lambda images: images.import_archive(path, tags)), output)


@image.command("export")
@click.argument("path", type=click.Path(dir_okay=False))
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@config_option
def export(path: str, names: Sequence[str], config_path: str | None) -> None:
    """Write images by name or id to PATH: a tar that is an OCI layout and a docker-save archive.

    Layers that were not kept as the registry sent them (images.keep_layers) and are unpacked are made again; the image
    then has another id there, which is told.
    """
    for each in _with_images(config_path, lambda images: images.export(names, path)):
        name = (*each.record.tags, each.record.id)[0]
        if each.exact:
            click.echo(f"exported {name}, manifest {each.digest}")
        elif each.id == each.record.id:
            click.echo(f"exported {name} with its id and uncompressed layers, manifest {each.digest}")
        else:
            click.echo(f"exported {name} with layers made again: its id is {each.id} there, not {each.record.id}")


@image.command("list")
@config_option
@output_option
def list_(config_path: str | None, output: str) -> None:
    """Show the images in the store."""
    _show(_with_images(config_path, lambda images: images.list()), output)


@image.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@config_option
def remove(names: Sequence[str], config_path: str | None) -> None:
    """Remove images by name or id. By name, the image itself goes with its last name."""
    for line in _with_images(config_path, lambda images: _remove(images, names)):
        click.echo(line)


async def _remove(images: Images, names: Sequence[str]) -> list[str]:
    lines = []
    for name in names:
        if await images.find(name) is None:
            raise NotFound(f"no image is called {name!r}")
        removed = await images.remove(name, (await images.used_by_containers()).keys)
        lines += [f"removed {image_id}" for image_id in removed] or [f"removed the name {name}"]
    return lines


def _with_images(config_path: str | None, work: Callable[[Images], Awaitable[T]]) -> T:
    """Open the store of the configuration, work, and close it again."""
    from orlop.config.loader import load
    from orlop.daemon.wiring import open_storage

    config = load(config_path).config

    async def run() -> T:
        storage = open_storage(config)
        try:
            return await work(storage.images)
        finally:
            await storage.images.aclose()

    try:
        return asyncio.run(run())
    except PermissionError as error:
        raise OrlopError(f"{error.strerror}: {error.filename}; images are root's: use sudo") from error


def _show(records: Sequence[ImageRecord], output: str) -> None:
    if output == "json":
        print_json(records)
        return
    rows = [
        (name, record.id.partition(":")[2][:12], f"{record.size / 1e6:.1f} MB", "yes" if record.pinned else "")
        for record in records
        for name in (record.tags or record.digests or ("<no name>",))
    ]
    print_table(("NAME", "ID", "SIZE", "PINNED"), rows)
