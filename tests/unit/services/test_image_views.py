"""How images look in the CRI."""

import pytest

from orlop.model.image import ImageConfig, ImageRecord
from orlop.services.image_views import view


def image(**fields) -> ImageRecord:
    return ImageRecord(id="sha256:" + "a" * 64, manifest_digest="sha256:" + "b" * 64, **fields)


@pytest.mark.parametrize(
    ("user", "uid", "username"),
    [("", 0, ""), ("1000", 1000, ""), ("1000:50", 1000, ""), ("web", None, "web"), ("web:web", None, "web")],
)
def test_user(user, uid, username):
    seen = view(image(config=ImageConfig(user=user)), ())
    assert (seen.uid, seen.username) == (uid, username)


@pytest.mark.parametrize(
    ("patterns", "pinned"),
    [
        ((), False),
        (("registry.k8s.io/pause:3.10",), True),
        (("registry.k8s.io/*",), True),
        (("*pause*",), True),
        (("registry.k8s.io/pause",), False),
    ],
)
def test_pinned_by_pattern(patterns, pinned):
    assert view(image(tags=("registry.k8s.io/pause:3.10",)), patterns).pinned is pinned


def test_pinned_by_record():
    assert view(image(pinned=True), ()).pinned
