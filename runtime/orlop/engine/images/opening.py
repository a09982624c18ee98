"""Put the image store together from plain values, for the daemon and for `orlop image` alike.

The tables come from the caller (orlop.engine.state.store_db.StoreDatabase), for parts of the engine do not open state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orlop.engine.images.store import Images
from orlop.engine.storage.rootfs import RootFilesystems
from orlop.engine.storage.tables import ImageTable, LayerTable


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryHost:
    """What differs for one registry host."""

    plain_http: bool = False
    ca_file: str = ""
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """The image part of the configuration."""

    max_concurrent_downloads: int = 6
    progress_timeout: float = 60.0
    pinned: tuple[str, ...] = ()
    registries: Mapping[str, RegistryHost] = field(default_factory=dict)
    plain_http_loopback: bool = True
    """Registries on 127.0.0.0/8, ::1 and localhost may answer in plain HTTP, for their bytes never leave the machine."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Images, and roots made from them."""

    images: Images
    roots: RootFilesystems


def open_images(
    root_dir: str, state_dir: str, settings: ImageSettings, *, images: ImageTable, layers: LayerTable
) -> Storage:
    """Open the store below root_dir. Reads no configuration and starts nothing."""
    raise NotImplementedError
