"""Pulls from the real registry server into a real store: what arrives, what is shared, what is kept and what goes.

All of it with unpacked layers and with layers that stay one file.
"""

import asyncio
import errno
import os
import stat
import subprocess
from pathlib import Path

import pytest

from orlop.engine.images import install
from orlop.engine.storage.layer_mounts import why_not
from orlop.linux.files import read_bytes
from orlop.model.errors import FailedPrecondition, NotFound, Unauthenticated, Unavailable
from orlop.model.image import AuthConfig
from tests.fakes.images import Dir, File, HardLink, ImageBuilder, Link, busybox_image, index
from tests.parts import image_store
from tests.parts.registry import Registry

THREE = (
    ImageBuilder()
    .layer({"etc/": Dir(), "etc/os": b"base", "tmp/": Dir(mode=0o1777), "gone": b"1", "d/": Dir(), "d/old": b"1"})
    .layer({"tmp/x": b"2", ".wh.gone": b"", "bin/sh": File(b"#!", mode=0o755)}, compression="zstd")
    .layer({"d/": Dir(), "d/.wh..wh..opq": b"", "d/new": b"3", "bin/bash": Link("sh")})
    .config(user="1000", entrypoint=["/bin/sh"])
    .annotate(vendor="us")
    .build()
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
async def store(tmp_path, registry, kind):
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as found:
        yield found


async def test_busybox_runs_from_its_layers(store, registry):
    record = await store.images.pull(registry.push(busybox_image(user="1000"), "busybox:1"))
    assert record.config.user == "1000" and record.architecture and record.size > 1_000_000
    mount = await store.roots.prepare("c1", record.layers)
    try:
        answer = await asyncio.create_subprocess_exec(
            "chroot", mount.path, "/bin/sh", "-c", "id nobody; echo x > /tmp/written", stdout=subprocess.PIPE
        )
        out, _ = await answer.communicate()
        assert out.decode() == "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n"
        assert os.listdir(Path(mount.upper, "tmp")) == ["written"]
        assert stat.S_IMODE(os.stat(Path(mount.path, "tmp")).st_mode) == 0o1777
    finally:
        await store.roots.release("c1")


@pytest.mark.parametrize("docker", [False, True])
async def test_both_kinds_of_manifest(store, registry, docker):
    image = ImageBuilder(docker=docker).layer({"a": b"1"}).build()
    record = await store.images.pull(registry.push(image, f"kind{docker}:1".lower()))
    assert (record.id, record.manifest_digest) == (image.id, image.digest)


async def test_layers_come_together_as_overlayfs_wants_them(store, registry):
    record = await store.images.pull(registry.push(THREE, "three:1"))
    assert record.annotations == {"vendor": "us"} and record.created == "2026-01-02T03:04:05Z"
    assert len(record.layers) == 3
    mount = await store.roots.prepare("c1", record.layers)
    root = Path(mount.path)
    try:
        assert sorted(os.listdir(root)) == ["bin", "d", "etc", "tmp"]
        assert os.listdir(root / "d") == ["new"]
        assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777, "though the second layer does not list it"
        assert os.readlink(root / "bin/bash") == "sh" and (root / "bin/bash").read_text() == "#!"
    finally:
        await store.roots.release("c1")


async def test_the_digest_of_an_index_names_its_image(store, registry):
    both = index({"linux/amd64": THREE, "linux/arm64": ImageBuilder(architecture="arm64").build()})
    name = registry.push(both, "multi:1")
    record = await store.images.pull(name)
    by_digest = f"{registry.host}/multi@{both.digest}"
    assert (record.id, record.digests) == (THREE.id, (by_digest,))
    assert (await store.images.pull(by_digest)).tags == (name,)
    assert await store.images.find(by_digest) == await store.images.find(record.id[7:20])
    assert (await store.images.pull(f"{registry.host}/multi:anything@{both.digest}")).tags == (name,)


async def test_two_names_one_image_and_a_tag_that_moves(store, registry):
    one, two = registry.push(THREE, "app:1"), registry.push(THREE, "other:1")
    await store.images.pull(one)
    record = await store.images.pull(two)
    assert record.tags == (one, two) and len(await store.images.list()) == 1
    replaced = await store.images.pull(registry.push(busybox_image(), "app:1"))
    assert replaced.tags == (one,)
    assert (await store.images.find(THREE.id)).tags == (two,)
    assert await store.images.remove(one) == [replaced.id]
    assert await store.images.remove(THREE.id) == [THREE.id]
    assert await store.images.remove(THREE.id) == []
    # The digest name of "app" went with the image's removal by id.
    store.assert_empty()


async def test_a_pull_in_progress_is_joined_and_survives_who_asked(store, registry, monkeypatch):
    runs = []
    original = install.unpack

    async def counted(*args, **options):
        runs.append(args)
        await asyncio.sleep(0.2)
        return await original(*args, **options)

    monkeypatch.setattr(install, "unpack", counted)
    name = registry.push(THREE, "joined:1")
    impatient = asyncio.create_task(store.images.pull(name))
    others = [asyncio.create_task(store.images.pull(name)) for _ in range(5)]
    await asyncio.sleep(0.1)
    impatient.cancel()
    records = await asyncio.gather(*others)
    assert impatient.cancelled()
    assert len(runs) == 3 and {record.id for record in records} == {THREE.id}


async def test_images_share_layers_even_while_both_are_pulled(store, registry, monkeypatch):
    fetched = []
    original = install.unpack

    async def counted(blob, *args, **options):
        fetched.append(blob.digest)
        return await original(blob, *args, **options)

    monkeypatch.setattr(install, "unpack", counted)
    common = {"etc/": Dir(), "etc/big": os.urandom(500_000)}
    images = [ImageBuilder().layer(common).layer({f"only{number}": b"x"}).build() for number in range(2)]
    names = [registry.push(image, f"shared{number}:1") for number, image in enumerate(images)]
    records = await asyncio.gather(*(store.images.pull(name) for name in names))
    assert records[0].layers[0] == records[1].layers[0]
    assert len(fetched) == 3 and len(store.on_disk()["layers"]) == 3
    await store.images.remove(names[0])
    assert len(store.on_disk()["layers"]) == 2
    await store.images.remove(names[1])
    store.assert_empty()


async def test_an_image_in_use_stays(store, registry):
    name = registry.push(THREE, "used:1")
    record = await store.images.pull(name)
    for text in (name, record.id):
        with pytest.raises(FailedPrecondition, match=rf"image {text} \({record.id}\) is in use by container web"):
            await store.images.remove(text, lambda: {record.id: "container web"})
    await store.roots.prepare("c1", record.layers)
    assert list(await store.images.used_by_containers()) == [record.id]
    assert await store.images.remove(name) == [record.id]
    assert len(store.on_disk()["layers"]) == 3, "a container stands on them"
    await store.roots.release("c1")
    await store.images.collect()
    store.assert_empty()


async def test_zero_layers_and_128(store, registry):
    empty = await store.images.pull(registry.push(ImageBuilder().config(cmd=["/x"]).build(), "empty:1"))
    assert (empty.layers, empty.size) == ((), 0)
    builder = ImageBuilder()
    for number in range(128):
        builder.layer({f"f{number}": b"1", "same": str(number).encode()})
    deep = await store.images.pull(registry.push(builder.build(), "deep:1"))
    mount = await store.roots.prepare("c1", deep.layers)
    assert len(os.listdir(mount.path)) == 129 and read_bytes(f"{mount.path}/same") == b"127"
    await store.roots.release("c1")


async def test_after_a_restart_all_is_as_before(tmp_path, registry, kind):
    name = registry.push(THREE, "again:1")
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        record = await store.images.pull(name)
        usage = await store.images.usage()
        assert usage[0] == record.size and usage[1] > (8 if kind == "unpacked" else 2)
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        assert await store.images.list() == (record,)
        assert await store.images.usage() == usage
        assert await store.images.config_json(record.id) == THREE.config


async def test_after_the_database_is_lost_images_are_there_by_id(tmp_path, registry, kind, monkeypatch):
    name = registry.push(THREE, "lost:1")
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        record = await store.images.pull(name)
    (tmp_path / "root/store.db").write_bytes(b"a disk error" * 1000)
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        (found,) = await store.images.list()
        assert (found.id, found.layers, found.size, found.config) == (
            record.id,
            record.layers,
            record.size,
            record.config,
        )
        assert (found.tags, found.digests) == ((), ())
        monkeypatch.setattr(install, "unpack", None)  # nothing is fetched again
        assert (await store.images.pull(name)).tags == (name,)


async def test_pinned_images_say_so(tmp_path, registry):
    name = registry.push(THREE, "pinned:1")
    async with image_store.opened(tmp_path, plain_http=[registry.host], pinned=("*pinned*",)) as store:
        assert (await store.images.pull(name)).pinned
        assert [image.pinned for image in await store.images.list()] == [True]


async def test_a_registry_with_passwords(tmp_path):
    with Registry(tmp_path / "registry", users={"alice": "secret"}) as registry:
        name = registry.push(THREE, "private:1")
        async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
            for auth, text in (
                (None, r"wants credentials .*imagePullSecrets"),
                (AuthConfig(username="alice", password="wrong"), "refuses user 'alice'"),
                (AuthConfig(username="alice", password="secret", server_address="other.io"), "wants credentials"),
            ):
                with pytest.raises(Unauthenticated, match=text):
                    await store.images.pull(name, auth)
            store.assert_empty()
            record = await store.images.pull(name, AuthConfig(username="alice", password="secret"))
            assert record.tags == (name,)


async def test_what_is_not_there(store, registry):
    with pytest.raises(
        NotFound, match=f"registry {registry.host} does not have the manifest of .*/none:1: MANIFEST_UNKNOWN"
    ):
        await store.images.pull(f"{registry.host}/none:1")
    foreign = index({"linux/s390x": THREE, "windows/amd64": THREE})
    with pytest.raises(NotFound, match=r"/foreign:1 has no image for linux/\w+; it has: linux/s390x, windows/amd64"):
        await store.images.pull(registry.push(foreign, "foreign:1"))
    other = ImageBuilder(architecture="s390x").layer({"a": b""}).build()
    with pytest.raises(NotFound, match=r"/other is for linux/s390x, and this machine is linux/"):
        await store.images.pull(registry.push(other, "other:1"))
    store.assert_empty()


async def test_a_registry_that_is_down(tmp_path):
    registry = Registry(tmp_path / "registry").start()
    name = registry.push(THREE, "a:1")
    registry.stop()
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        with pytest.raises(Unavailable, match=f"registry {registry.host} cannot be reached"):
            await store.images.pull(name)
        store.assert_empty()
        registry.start()
        try:
            await store.images.pull(name)
        finally:
            registry.stop()


async def test_hard_links_are_kept_over_the_whole_way(store, registry):
    image = ImageBuilder().layer({"a": b"x", "b": HardLink("a")}).build()
    record = await store.images.pull(registry.push(image, "links:1"))
    assert (store.layer_path(record.layers[0]) / "b").stat().st_nlink == 2


async def test_both_kinds_lie_under_one_container(tmp_path, registry):
    """The setting is changed between two pulls; directories that are not listed take after those of the other kind."""
    if reason := why_not(str(tmp_path)):
        pytest.skip(reason)
    common = {"etc/": Dir(mode=0o751, gid=7, xattrs={"user.a": b"1"}), "etc/os": b"base", "tmp/": Dir(mode=0o1777)}
    base = registry.push(ImageBuilder().layer(common).build(), "mixed-base:1")
    builder = ImageBuilder().layer(common).layer({"tmp/x": b"1", "etc/.wh.os": b"", "etc/new": b"2"})
    top = registry.push(builder.build(), "mixed-top:1")
    async with image_store.opened(tmp_path, plain_http=[registry.host], packed_layers=False) as store:
        await store.images.pull(base)
    async with image_store.opened(tmp_path, plain_http=[registry.host], packed_layers=True) as store:
        record = await store.images.pull(top)
        kinds = [sorted(os.listdir(store.root / "layers" / each[7:]))[0] for each in record.layers]
        assert kinds == ["diff", "layer.erofs"]
        mount = await store.roots.prepare("c1", record.layers)
        etc = Path(mount.path, "etc")
        assert os.listdir(etc) == ["new"] and stat.S_IMODE(os.stat(f"{mount.path}/tmp").st_mode) == 0o1777
        assert (stat.S_IMODE(os.stat(etc).st_mode), os.stat(etc).st_gid, os.getxattr(etc, "user.a")) == (0o751, 7, b"1")
        await store.roots.release("c1")
        await store.images.export([top], str(tmp_path / "top.tar"))
        await store.images.remove(base)
        await store.images.remove(top)
        store.assert_empty()
        await store.images.import_archive(str(tmp_path / "top.tar"))
        assert await store.images.find(top)


async def test_where_the_kernel_cannot_layers_are_unpacked(tmp_path, registry, monkeypatch, caplog):
    monkeypatch.setattr("orlop.engine.storage.layer_mounts.mount_image", _refused)
    async with image_store.opened(tmp_path, plain_http=[registry.host], packed_layers=True) as store:
        record = await store.images.pull(registry.push(THREE, "fallback:1"))
        assert all("diff" in os.listdir(store.root / "layers" / each[7:]) for each in record.layers)
        assert [text for text in caplog.messages if "layers are unpacked although" in text and "No such device" in text]
        assert os.listdir(store.root / "tmp") == []


def _refused(path: str, target: str) -> None:
    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), target)
