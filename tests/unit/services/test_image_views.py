"""How images look in the CRI."""

import pytest

from orlop.api.convert.pack import pack
from orlop.api.v1 import image_pb2
from orlop.model.image import ImageConfig, ImageRecord
from orlop.services.image_views import view


def image(**fields) -> ImageRecord:
    return ImageRecord(id="sha256:" + "a" * 64, manifest_digest="sha256:" + "b" * 64, **fields)


@pytest.mark.parametrize(
    ("user", "uid", "username"),
    [
        ("", 0, ""),
        ("1000", 1000, ""),
        ("1000:50", 1000, ""),
        ("web", None, "web"),
        ("web:web", None, "web"),
        ("99999999999999999999", None, "99999999999999999999"),
        ("4294967295", None, "4294967295"),
        ("٣", None, "٣"),
        ("u" * 9000, None, "u" * 256),
    ],
)
def test_user(user, uid, username):
    seen = view(image(config=ImageConfig(user=user)))
    assert (seen.uid, seen.username) == (uid, username)
    assert pack(seen, image_pb2.Image).username == username  # one that cannot be sent would hide all images


def test_annotations_of_one_image_do_not_fill_the_list_of_all():
    few, many = {"a": "1" * 16000}, {"a": "1" * 9000, "b": "2" * 9000}
    assert view(image(annotations=few)).spec.annotations == few
    assert view(image(annotations=many)).spec.annotations == {}


def test_pinned():
    assert view(image(pinned=True)).pinned and not view(image()).pinned
