"""An image store in a directory of its own, put together as the daemon does it.

async with opened(tmp_path, plain_http=[registry.host]) as store: await store.images.pull(…)
"""

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orlop.engine.images.hosts import RegistryHost
from orlop.engine.images.opening import ImageSettings, open_images
from orlop.engine.images.store import Images
from orlop.engine.state.store_db import StoreDatabase
from orlop.engine.storage.layers import LayerStore
from orlop.engine.storage.rootfs import RootFilesystems
from orlop.linux import mounts


@dataclass
class Store:
    """The parts, and a look at what is on disk."""

    root: Path
    state: Path
    images: Images
    layers: LayerStore
    roots: RootFilesystems
    database: StoreDatabase

    def on_disk(self) -> dict[str, list[str]]:
        """Names in the store's directories: layers, things half-made, blobs, containers."""
        blobs = self.root / "blobs" / "sha256"
        return {
            "layers": sorted(os.listdir(self.root / "layers")),
            "tmp": sorted(os.listdir(self.root / "tmp")),
            "blobs": sorted(os.listdir(blobs)) if blobs.exists() else [],
            "containers": sorted(os.listdir(self.root / "containers")),
        }

    def assert_empty(self) -> None:
        """Nothing is left: no layer, no record, no file."""
        assert self.on_disk() == {"layers": [], "tmp": [], "blobs": [], "containers": []}
        assert self.database.images.all() == ()
        assert self.database.layers.all() == ()

    def layer_path(self, chain_id: str) -> Path:
        """A layer's files."""
        return Path(self.layers.path(chain_id))


DEFAULTS: dict[str, Any] = {}
"""Settings of every store that gives no others: a suite that runs for both kinds of layers sets them."""


@asynccontextmanager
async def opened(
    directory: Path,
    *,
    plain_http: Iterable[str] = (),
    registries: dict[str, RegistryHost] | None = None,
    **settings: Any,
) -> AsyncIterator[Store]:
    """Open, collect as at a start, and close at the end. Opening the same directory again is a restart."""
    hosts = {host: RegistryHost(plain_http=True) for host in plain_http} | (registries or {})
    root, state = directory / "root", directory / "state"
    database = StoreDatabase(str(root / "store.db"))
    storage = open_images(
        str(root),
        str(state),
        ImageSettings(registries=hosts, **(DEFAULTS | settings)),
        images=database.images,
        layers=database.layers,
    )
    # Faults are expected here: waiting between tries would only take time.
    storage.images._remote.backoff = (0.01, 0.01)
    try:
        await storage.images.collect()
        yield Store(root, state, storage.images, storage.layers, storage.roots, database)
    finally:
        await storage.images.aclose()
        database.close()
        mounts.unmount_below(str(state / "layers"))
