"""Put the image store together from plain values, for the daemon and for `orlop image` alike.

The tables come from the caller (orlop.engine.state.store_db.StoreDatabase), for parts of the engine do not open state.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orlop.aio.threads import offload
from orlop.engine.images.hosts import Hosts, RegistryHost
from orlop.engine.images.install import Installer
from orlop.engine.images.remote import Remote
from orlop.engine.images.store import Images
from orlop.engine.storage.blobs import BlobStore
from orlop.engine.storage.layer_mounts import LayerMounts
from orlop.engine.storage.layers import LayerStore
from orlop.engine.storage.rootfs import RootFilesystems
from orlop.engine.storage.tables import ImageTable, LayerTable

if TYPE_CHECKING:
    from orlop.engine.images.pulling import Puller


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """The image part of the configuration."""

    max_concurrent_downloads: int = 6
    progress_timeout: float = 60.0
    """Seconds without a byte until a blob is asked for again from where it stopped; 0: never."""
    pull_progress_timeout: float = 300.0
    """Seconds without a byte until a pull is given up; 0: never."""
    pinned: tuple[str, ...] = ()
    packed_layers: bool = False
    """New layers stay one file each, where the kernel can mount it."""
    keep_layers: bool = False
    """Layers are kept as they were sent, too."""
    registries: Mapping[str, RegistryHost] = field(default_factory=dict)
    plain_http_loopback: bool = True
    """Registries on loopback speak plain HTTP unless they are among `registries`."""
    registries_conf: str = ""
    """registries.conf (version 2); its drop-ins are in the directory of that name with ".d". Empty: there is none."""
    certificates: tuple[str, ...] = ()
    """Directories in certs.d's layout."""
    auth_files: tuple[str, ...] = ()
    """auth.json files of the node."""
    namespaced_auth: str = ""
    """Directory with auth.json files of namespaces; empty: there is none."""
    policy: str = ""
    """policy.json; empty: every image is let in."""
    policy_required: bool = False
    """Without the file no image is let in; otherwise every one is."""
    namespaced_policies: str = ""
    """Directory with policy.json files of namespaces; empty: there is none."""
    signature_places: str = "/etc/containers/registries.d"
    """Directory that says where GPG signatures are."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Images, their layers, and roots made from them."""

    images: Images
    layers: LayerStore
    roots: RootFilesystems


def open_images(
    root_dir: str, state_dir: str, settings: ImageSettings, *, images: ImageTable, layers: LayerTable
) -> Storage:
    """Open the store below root_dir. Reads no configuration, starts nothing; the caller runs `Images.collect`."""
    layer_store = LayerStore(root_dir, layers, LayerMounts(state_dir), packed=settings.packed_layers)
    roots = RootFilesystems(root_dir, state_dir, layer_store)
    blobs = BlobStore(root_dir)
    installer = Installer(
        layer_store, blobs, images, max_downloads=settings.max_concurrent_downloads, keep_layers=settings.keep_layers
    )
    remote = Remote(
        Hosts(settings.registries, settings.plain_http_loopback),
        progress_timeout=settings.progress_timeout,
        registries_conf=settings.registries_conf,
        certificates=settings.certificates,
    )
    store = Images(
        table=images,
        blobs=blobs,
        layers=layer_store,
        installer=installer,
        remote=remote,
        puller=_puller(remote, installer, settings),
        layers_in_use=roots.layers_in_use,
        pinned=settings.pinned,
    )
    return Storage(store, layer_store, roots)


def _puller(remote: Remote, installer: Installer, settings: ImageSettings) -> "Callable[[], Awaitable[Puller]]":
    """Made at the first pull: what reads policies and credentials need not delay the daemon's start."""
    made: list[Puller] = []

    async def puller() -> "Puller":
        if not made:
            found = await offload(_make_puller, remote, installer, settings)
            made[:] = made or [found]
        return made[0]

    return puller


def _make_puller(remote: Remote, installer: Installer, settings: ImageSettings) -> "Puller":
    from orlop.engine.images.authfiles import AuthFiles
    from orlop.engine.images.policy.checking import Checker
    from orlop.engine.images.policy.files import Policies
    from orlop.engine.images.policy.lookaside import Lookaside
    from orlop.engine.images.pulling import Puller

    policies = Policies(settings.policy, required=settings.policy_required, namespaced=settings.namespaced_policies)
    checker = Checker(policies, Lookaside(settings.signature_places))
    auth_files = AuthFiles(settings.auth_files, settings.namespaced_auth)
    return Puller(remote, installer, auth_files, checker, progress_timeout=settings.pull_progress_timeout)
