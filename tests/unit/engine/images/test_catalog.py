"""Names of images: tags move, digests stay, the last name takes the image along."""

import pytest

from orlop.engine.images import catalog
from orlop.model.errors import InvalidArgument
from orlop.model.image import ImageRecord


def image(number: int, *names: str) -> ImageRecord:
    tags = tuple(name for name in names if "@" not in name)
    return ImageRecord(id=f"sha256:{number:064x}", manifest_digest=digest(number), tags=tags,
                       digests=tuple(name for name in names if "@" in name))  # fmt: skip


def digest(number: int) -> str:
    return f"sha256:{number + 1000:064x}"


def applied(images, change):
    records = {each.id: each for each in images} | {each.id: each for each in change.put}
    return [each for key, each in records.items() if key not in change.delete]


TAG, OTHER = "h.io/a:1", "h.io/a:2"
BY_DIGEST = f"h.io/a@{digest(1)}"


def test_found_by_everything_that_names_it():
    images = [image(0xABCDEF012345 << 208, TAG, BY_DIGEST), image(2, "docker.io/library/busybox:latest")]
    first, second = images
    for text in (first.id, first.id.partition(":")[2], "abcdef012345", "sha256:abcdef012345", TAG, BY_DIGEST):
        assert catalog.find(images, text) == first, text
    assert catalog.find(images, TAG) == first
    assert catalog.find(images, f"h.io/a:moved@{digest(1)}") == first
    assert catalog.find(images, "busybox") == second
    for text in ("abcdef", "h.io/a:3", f"h.io/b@{digest(1)}", "", "Not A Name"):
        assert catalog.find(images, text) is None


def test_a_shortened_id_must_be_unambiguous():
    images = [image(0xAAAAAAAAAAAA << 208 | 1), image(0xAAAAAAAAAAAA << 208 | 2)]
    assert images[0].id[7:].startswith("aaaaaaaaaaaa")
    with pytest.raises(InvalidArgument, match="2 images have ids"):
        catalog.find(images, "aaaaaaaaaaaa")


def test_a_tag_moves_and_the_digest_stays_with_its_image():
    old, new = image(1, TAG, BY_DIGEST), image(2, TAG, f"h.io/a@{digest(2)}")
    after = applied([old], catalog.add([old], new))
    assert catalog.find(after, TAG).id == new.id
    assert catalog.find(after, BY_DIGEST).id == old.id
    assert catalog.find(after, old.id).tags == ()


def test_two_tags_of_one_image_add_up():
    old = image(1, TAG, BY_DIGEST)
    (record,) = applied([old], catalog.add([old], image(1, OTHER, BY_DIGEST)))
    assert record.tags == (TAG, OTHER)
    assert record.digests == (BY_DIGEST,)


def test_removal_by_name_and_by_id():
    one = image(1, TAG, OTHER, BY_DIGEST)
    _, change = catalog.remove([one], TAG)
    (left,) = applied([one], change)
    assert (left.tags, left.digests) == ((OTHER,), (BY_DIGEST,))
    assert catalog.remove([left], OTHER)[1].delete == (one.id,), "the repository's last tag takes its digest along"
    assert catalog.remove([one], one.id)[1].delete == (one.id,)
    assert catalog.remove([one], one.id[7:25])[1].delete == (one.id,)
    assert catalog.remove([one], "h.io/none:1") == (None, catalog.Change())


def test_another_repositorys_name_keeps_the_image():
    two = image(1, TAG, BY_DIGEST, f"h.io/b@{digest(1)}")
    (left,) = applied([two], catalog.remove([two], TAG)[1])
    assert left.digests == (f"h.io/b@{digest(1)}",)
    assert catalog.remove([left], left.digests[0])[1].delete == (two.id,)


def test_pinned_patterns():
    pause = image(1, "registry.k8s.io/pause:3.10")
    for pattern in ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause*", "*pause*", "registry.k8s.io/*"):
        assert catalog.is_pinned(pause, [pattern]), pattern
    for pattern in ("pause:3.10", "registry.k8s.io/pause", "*etcd*", "pause*", "BAD NAME"):
        assert not catalog.is_pinned(pause, [pattern]), pattern
    assert catalog.is_pinned(image(2, "docker.io/library/busybox:latest"), ["busybox"])
