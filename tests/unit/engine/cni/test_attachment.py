"""How a pod is named to plugins, and which letters never reach them."""

import pytest

from orlop.engine.cni.attachment import Attachment
from orlop.model.errors import InvalidArgument


def test_a_pod_is_named_as_people_know_it() -> None:
    assert Attachment(pod_id="a" * 64, namespace="web", name="front").pod == "web/front"
    assert Attachment(pod_id="a" * 64).pod == "a" * 12


@pytest.mark.parametrize(
    "bad",
    [
        {"pod_id": ""},
        {"pod_id": "../x"},
        {"pod_id": "-x"},
        {"pod_id": "x", "ifname": "a/b"},
        {"pod_id": "x", "ifname": ".."},
        {"pod_id": "x", "ifname": "x" * 16},
        {"pod_id": "x", "name": "a;CNI_PATH=/tmp"},
        {"pod_id": "x", "namespace": "a=b"},
        {"pod_id": "x", "uid": "a\nb"},
    ],
)
def test_what_could_not_be_handed_on_is_refused(bad: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        Attachment(**bad)  # type: ignore[arg-type]  # a dictionary of the fields that are strings
