"""Images at the CRI: pull, list, status, removal, and what a container takes from its image."""

import contextlib
from collections.abc import Iterator

import grpc
import pytest

from tests.fakes.images import ImageBuilder, busybox_image, index
from tests.harness.cri import Cri, refused
from tests.harness.foreign import FOREIGN
from tests.harness.pods import Pods, eventually
from tests.parts.registry import Registry


@pytest.fixture
def remove(cri: Cri) -> Iterator[list[str]]:
    """References that are removed after the test."""
    names: list[str] = []
    yield names
    for name in names:
        with contextlib.suppress(*((grpc.RpcError,) if FOREIGN else ())):  # what another one keeps is not ours to judge
            cri("RemoveImage", image={"image": name})


def _pull(cri: Cri, name: str) -> str:
    return str(cri("PullImage", image={"image": name}).image_ref)


def test_a_pulled_image_is_listed_and_told(cri: Cri, registry: Registry, remove: list[str]) -> None:
    made = busybox_image(user="1000", labels={"for": "listing"})
    name = registry.push(made, "listed:1")
    remove.append(name)
    assert _pull(cri, name) == made.id
    status = cri("ImageStatus", image={"image": name}).image
    assert (status.id, list(status.repo_tags)) == (made.id, [name])
    assert list(status.repo_digests) == [f"{name.rpartition(':')[0]}@{made.digest}"]
    assert (status.uid.value, status.username, status.pinned) == (1000, "", False)
    assert status.size > 0
    assert [item.id for item in cri("ListImages", filter={"image": {"image": name}}).images] == [made.id]
    assert made.id in [item.id for item in cri("ListImages").images]


def test_an_image_has_many_names(cri: Cri, registry: Registry, remove: list[str]) -> None:
    made = busybox_image(labels={"for": "names"})
    one, two = registry.push(made, "names:one"), registry.push(made, "names:two")
    digest = f"{one.rpartition(':')[0]}@{made.digest}"
    remove.append(made.id)
    assert _pull(cri, one) == _pull(cri, two) == _pull(cri, digest) == made.id
    for name in (one, two, digest, made.id, made.id.removeprefix("sha256:")):
        assert cri("ImageStatus", image={"image": name}).image.id == made.id
    assert set(cri("ImageStatus", image={"image": one}).image.repo_tags) == {one, two}
    cri("RemoveImage", image={"image": one})
    assert not cri("ImageStatus", image={"image": one}).HasField("image")
    assert cri("ImageStatus", image={"image": two}).image.id == made.id
    cri("RemoveImage", image={"image": made.id})
    assert not cri("ImageStatus", image={"image": two}).HasField("image")


def test_an_index_gives_the_nodes_platform(cri: Cri, registry: Registry, remove: list[str]) -> None:
    ours = busybox_image(labels={"for": "platform"})
    other = ImageBuilder(architecture="s390x").layer({"mark": b"other"}).build()
    name = registry.push(index({"linux/s390x": other, "linux/amd64": ours, "linux/arm64": ours}), "many:1")
    remove.append(name)
    assert _pull(cri, name) == ours.id


def test_what_is_not_here_is_an_empty_answer(cri: Cri) -> None:
    assert not cri("ImageStatus", image={"image": "127.0.0.1:1/none:1"}).HasField("image")
    assert cri("ListImages", filter={"image": {"image": "127.0.0.1:1/none:1"}}).images == []
    cri("RemoveImage", image={"image": "127.0.0.1:1/none:1"})


def test_an_image_in_use_stays(pods: Pods, cri: Cri, registry: Registry) -> None:
    name = registry.push(busybox_image(labels={"for": "use"}), "used:1")
    _pull(cri, name)
    container = pods.run().create(image={"image": name})
    with refused("FAILED_PRECONDITION"):
        cri("RemoveImage", image={"image": container.status().image_id})
    container.remove()
    cri("RemoveImage", image={"image": name})
    assert not cri("ImageStatus", image={"image": name}).HasField("image")


def test_a_container_needs_its_image_here(pods: Pods) -> None:
    with refused("NOT_FOUND", "127.0.0.1:1/none:1"):
        pods.run().create(image={"image": "127.0.0.1:1/none:1"})


def test_a_container_takes_what_the_image_says(pods: Pods, cri: Cri, registry: Registry, remove: list[str]) -> None:
    made = busybox_image(
        user="web",
        env=["PATH=/bin", "FROM=image", "KEPT=yes"],
        entrypoint=["sh", "-c"],
        cmd=['echo "$FROM $KEPT $(id -u) $(pwd)"'],
        working_dir="/www",
        stop_signal="SIGUSR1",
    )
    name = registry.push(made, "says:1")
    remove.append(name)
    _pull(cri, name)
    pod = pods.run()
    container = pod.start(image={"image": name}, command=[], envs=[{"key": "FROM", "value": b"pod"}])
    assert container.wait().exit_code == 0
    assert container.output() == "pod yes 1000 /www\n"
    assert container.status().stop_signal != 0
    with_args = pod.start(image={"image": name}, command=[], args=["echo $0", "word"])
    with_args.wait()
    assert with_args.output() == "word\n"
    pod.remove()


def test_twenty_pulls_of_one_image_are_one_download(cri: Cri, registry: Registry, remove: list[str]) -> None:
    made = busybox_image(extra={"crowd": b"a layer that no other image has"})
    name = registry.push(made, "crowd:1")
    remove.append(name)
    calls = [cri.future("PullImage", image={"image": name}) for _ in range(20)]
    assert {call.result().image_ref for call in calls} == {made.id}
    (layer,) = made.layers
    fetched = [line for line in registry.log().splitlines() if f"GET /v2/crowd/blobs/{layer.digest}" in line]
    assert len(fetched) == 1


def test_credentials_of_the_kubelet(cri: Cri, remove: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    with Registry(tmp_path_factory.mktemp("private"), users={"ann": "secret"}) as private:
        name = private.push(busybox_image(labels={"for": "auth"}), "private:1")
        with refused("UNAUTHENTICATED"):
            _pull(cri, name)
        with refused("UNAUTHENTICATED", name.partition("/")[0]):
            cri("PullImage", image={"image": name}, auth={"username": "ann", "password": "wrong"})
        cri("PullImage", image={"image": name}, auth={"username": "ann", "password": "secret"})
        remove.append(name)


def test_filesystem_usage_counts_what_images_take(cri: Cri, registry: Registry, remove: list[str]) -> None:
    def used() -> int:
        return int(cri("ImageFsInfo").image_filesystems[0].used_bytes.value)

    before = used()
    name = registry.push(ImageBuilder().layer({"big": bytes(5_000_000)}).build(), "big:1")
    _pull(cri, name)
    assert used() >= before + 5_000_000
    cri("RemoveImage", image={"image": name})
    eventually(lambda: used() < before + 1_000_000)
