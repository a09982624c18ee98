"""A CDI specification file as types (CDI SPEC.md, versions 0.3.0 to 1.1.0), decoded and checked. Reads no file.

Unknown keys are errors: a container that silently lacks a part of its device is worse than one that does not start.
"""

from typing import Annotated, Any

import msgspec

from orlop.engine.oci.cdi.names import is_kind, is_name
from orlop.model.base import Value

HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
"""Stages of the runtime specification."""

Id = Annotated[int, msgspec.Meta(ge=0, le=(1 << 32) - 2)]


class _Strict(Value, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A table of the file."""


class DeviceNode(_Strict):
    """A device node to put into the container; what is not given is read from the node's own."""

    path: str
    host_path: str = ""
    type: str = ""
    major: int | None = None
    minor: int | None = None
    file_mode: Annotated[int, msgspec.Meta(ge=0, le=0o7777)] | None = None
    permissions: str = ""
    uid: Id | None = None
    gid: Id | None = None


class Mount(_Strict):
    """A mount as the runtime specification has it."""

    host_path: str
    container_path: str
    options: tuple[str, ...] = ()
    type: str = ""


class Hook(_Strict):
    """A program that the OCI runtime calls."""

    hook_name: str
    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: Annotated[int, msgspec.Meta(ge=0)] | None = None


class IntelRdt(_Strict):
    """Handed on as it is; a node without the feature is the OCI runtime's to refuse."""

    clos_id: str = msgspec.field(default="", name="closID")
    l3_cache_schema: str = ""
    mem_bw_schema: str = ""
    enable_cmt: bool = msgspec.field(default=False, name="enableCMT")
    enable_mbm: bool = msgspec.field(default=False, name="enableMBM")
    schemata: tuple[str, ...] = ()
    enable_monitoring: bool = False


class ContainerEdits(_Strict):
    """What a device changes in a container."""

    env: tuple[str, ...] = ()
    device_nodes: tuple[DeviceNode, ...] = ()
    net_devices: tuple[Any, ...] = ()
    mounts: tuple[Mount, ...] = ()
    hooks: tuple[Hook, ...] = ()
    intel_rdt: IntelRdt | None = None
    additional_gids: tuple[Id, ...] = msgspec.field(default=(), name="additionalGids")


class Device(_Strict):
    """One device of the file's kind."""

    name: str
    container_edits: ContainerEdits
    annotations: dict[str, str] = {}


class Specification(_Strict):
    """A whole file."""

    cdi_version: str
    kind: str
    devices: tuple[Device, ...] = ()
    annotations: dict[str, str] = {}
    container_edits: ContainerEdits = ContainerEdits()
    """For a container that gets any device of the file, once."""


def decode(data: bytes, *, yaml: bool) -> Specification:
    """Decode and check. Raises ValueError with what is wrong and where."""
    try:
        specification = msgspec.convert(_from_yaml(data) if yaml else msgspec.json.decode(data), Specification)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if not specification.cdi_version.startswith(("0.", "1.")):
        raise ValueError(f"cdiVersion {specification.cdi_version[:40]!r} is not known")
    if not is_kind(specification.kind):
        raise ValueError(f"kind {specification.kind[:300]!r} is not vendor/class")
    _check_edits("containerEdits", specification.container_edits)
    names: set[str] = set()
    for number, device in enumerate(specification.devices):
        if not is_name(device.name) or device.name in names:
            raise ValueError(f"devices[{number}].name {device.name[:300]!r} is not a device's name, or there twice")
        names.add(device.name)
        _check_edits(f"devices[{number}].containerEdits", device.container_edits)
    return specification


def _from_yaml(data: bytes) -> Any:
    # Imported only where a node has such a file.
    import yaml

    class Loader(yaml.SafeLoader):
        """Without aliases: a few of them make a small file enormous."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases are not allowed")
            return super().compose_node(parent, index)

    try:
        return yaml.load(data, Loader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise ValueError(f"it is not YAML: {error}") from error


def _check_edits(where: str, edits: ContainerEdits) -> None:
    for number, variable in enumerate(edits.env):
        if variable.find("=") < 1 or "\0" in variable:
            raise ValueError(f"{where}.env[{number}] {variable[:100]!r} is not NAME=value")
    for number, node in enumerate(edits.device_nodes):
        if not node.path.startswith("/") or (node.host_path and not node.host_path.startswith("/")):
            raise ValueError(f"{where}.deviceNodes[{number}]: path and hostPath must be absolute")
        if node.type not in ("", "b", "c", "u", "p") or set(node.permissions) - set("rwm"):
            raise ValueError(f'{where}.deviceNodes[{number}]: type must be b, c, u or p, and permissions of "rwm"')
    for number, mount in enumerate(edits.mounts):
        if not mount.container_path.startswith("/") or not mount.host_path:
            raise ValueError(f"{where}.mounts[{number}]: containerPath must be absolute, and hostPath given")
    for number, hook in enumerate(edits.hooks):
        if hook.hook_name not in HOOKS or not hook.path.startswith("/"):
            raise ValueError(f"{where}.hooks[{number}]: hookName must be one of {', '.join(HOOKS)}, and path absolute")
