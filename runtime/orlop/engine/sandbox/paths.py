"""Where a pod's volatile things lie: <state_dir>/pods/<id>/. The bundle of a container is elsewhere."""

import re

from orlop.model.errors import InvalidArgument

_POD_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,127}")


def pod_dir(state_dir: str, pod_id: str) -> str:
    """The pod's directory. The id is checked: directories are removed by it."""
    if not _POD_ID.fullmatch(pod_id):
        raise InvalidArgument(f"{pod_id!r} is not a pod id")
    return f"{state_dir}/pods/{pod_id}"
