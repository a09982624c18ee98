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
    seen = view(image(config=ImageConfig(user=user)))
    assert (seen.uid, seen.username) == (uid, username)


def test_pinned():
    assert view(image(pinned=True)).pinned and not view(image()).pinned
