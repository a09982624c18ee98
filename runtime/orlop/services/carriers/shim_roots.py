"""What a shim is given with a container: its own options, and the container's root in the form that it wants.

path    nothing: config.json's root.path says it all, for the root is mounted already (Kata shares it by virtio-fs)
bind    that root as a bind mount that the shim makes
block   a copy of it on a block device of its own, which a virtual machine takes as a disk
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orlop.aio.threads import offload
from orlop.engine.shim.options import Options, file_options, runc_options
from orlop.engine.shim.task import RootMount
from orlop.linux import loop
from orlop.model.container import ContainerRecord, ShimOptions
from orlop.model.errors import ResourceExhausted, Unsupported
from orlop.services.deck import Deck


def options_of(record: ContainerRecord) -> Options | None:
    """What the shim is given with the container."""
    born = record.shim or ShimOptions()
    if born.config_path:
        return file_options(record.runtime_path, born.config_path)
    if born.oci_runtime:
        return runc_options(binary=born.oci_runtime, root=record.runtime_root, systemd_cgroup=record.systemd_cgroup)
    return None


@asynccontextmanager
async def root_mounts(deck: Deck, record: ContainerRecord) -> AsyncIterator[tuple[RootMount, ...]]:
    """The mounts of CreateTask, good inside of the block: until then the shim must have opened what they name."""
    born = record.shim or ShimOptions()
    if born.rootfs == "bind":
        yield (RootMount(type="bind", source=deck.roots.path(record.id), options=("rbind", "rw")),)
    elif born.rootfs == "block" and not record.infra:
        if deck.state.pods.get(record.pod_id).record.namespaces.user:
            raise Unsupported("a root on a block device cannot be mapped into the pod's user namespace")
        path = await deck.roots.make_block(record.id, born.block_size, deck.settings.create_timeout)
        holding = loop.attached(path)
        try:
            device = await offload(holding.__enter__)
        except OSError as error:
            raise ResourceExhausted(f"cannot make a block root: {error}") from error
        try:
            yield (RootMount(type="ext4", source=device, options=("rw",)),)
        finally:
            holding.__exit__(None, None, None)
    else:
        yield ()
