"""Records that an earlier version wrote are read: an upgrade of the daemon must not lose a running pod.

`tests/data/records-1.json` holds what the first version wrote for a pod with a created, a running and an ended
container. Nothing in it may be changed; a field that is renamed or has no default fails here.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from orlop.model.base import Value, from_json, to_json
from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.image import ImageRecord
from orlop.model.layer import LayerRecord
from orlop.model.pod import PodRecord, PodStatus

WRITTEN: dict[str, Any] = json.loads((Path(__file__).parents[3] / "data/records-1.json").read_text())

ROWS = [
    *((f"pod {number}", row, PodRecord) for number, (row, _) in enumerate(WRITTEN["pods"])),
    *((f"pod status {number}", row, PodStatus) for number, (_, row) in enumerate(WRITTEN["pods"])),
    *((f"container {number}", row, ContainerRecord) for number, (row, _) in enumerate(WRITTEN["containers"])),
    *((f"container status {number}", row, ContainerStatus) for number, (_, row) in enumerate(WRITTEN["containers"])),
    *((f"image {number}", row, ImageRecord) for number, row in enumerate(WRITTEN["images"])),
    *((f"layer {number}", row, LayerRecord) for number, row in enumerate(WRITTEN["layers"])),
]


@pytest.mark.parametrize(("row", "kind"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_nothing_of_an_old_record_is_lost(row: dict[str, Any], kind: type[Value]) -> None:
    again = json.loads(to_json(from_json(json.dumps(row), kind)))
    assert {name: again.get(name) for name in row} == row
