"""A config.json and messages as the tests of NRI need them."""

import copy
from typing import Any

from google.protobuf import json_format

from orlop.engine.nri.v1.changes_pb2 import ContainerAdjustment, ContainerUpdate

_SPEC: dict[str, Any] = {
    "ociVersion": "1.0.2",
    "process": {
        "args": ["sh"],
        "env": ["PATH=/bin", "A=1"],
        "user": {"uid": 1, "gid": 2, "additionalGids": [2, 3]},
        "oomScoreAdj": 100,
        "cwd": "/",
    },
    "root": {"path": "/r"},
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]},
        {"destination": "/data", "type": "bind", "source": "/srv", "options": ["rbind", "rprivate", "rw"]},
    ],
    "annotations": {"io.kubernetes.cri.container-type": "container"},
    "linux": {
        "cgroupsPath": "/pods/c",
        "namespaces": [{"type": "mount"}, {"type": "network", "path": "/n"}],
        "devices": [{"path": "/dev/null0", "type": "c", "major": 1, "minor": 3, "fileMode": 438}],
        "resources": {"devices": [{"allow": False, "access": "rwm"}], "cpu": {"shares": 2}},
    },
}


def spec() -> dict[str, Any]:
    """A container's config.json."""
    return copy.deepcopy(_SPEC)


def adjustment(**fields: Any) -> ContainerAdjustment:
    """An adjustment from protobuf's JSON."""
    return json_format.ParseDict(fields, ContainerAdjustment())


def update(container_id: str, *, ignore_failure: bool = False, **resources: Any) -> ContainerUpdate:
    """An update from protobuf's JSON."""
    told = {"container_id": container_id, "linux": {"resources": resources}, "ignore_failure": ignore_failure}
    return json_format.ParseDict(told, ContainerUpdate())
