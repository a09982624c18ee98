"""The model against the messages: each struct has its partner, nothing is left out by chance, values survive."""

from typing import Any

import msgspec
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.api.convert.pack import pack, pack_all
from orlop.api.convert.shapes import Form, left_out, pairs
from orlop.api.convert.unpack import unpack, unpack_field, unpack_required
from orlop.api.v1 import (
    container_config_pb2,
    container_pb2,
    image_pb2,
    metrics_pb2,
    pod_config_pb2,
    pod_pb2,
    resources_pb2,
    runtime_pb2,
    security_pb2,
    stats_pb2,
)
from orlop.model import container, event, image, metrics, pod, resources, security, stats, status
from orlop.model.base import Value
from orlop.model.enums import MountPropagation, NamespaceMode
from orlop.model.errors import InvalidArgument

# Each struct that travels, with its message where the names differ. Inner structs are reached through these.
ROOTS: dict[type[Value], type[Message]] = {
    pod.PodSandboxConfig: pod_config_pb2.PodSandboxConfig,
    pod.PodSandbox: pod_pb2.PodSandbox,
    pod.PodSandboxStatus: pod_pb2.PodSandboxStatus,
    pod.PodSandboxFilter: pod_pb2.PodSandboxFilter,
    container.ContainerConfig: container_config_pb2.ContainerConfig,
    container.Container: container_pb2.Container,
    container.ContainerStatusView: container_pb2.ContainerStatus,
    container.ContainerFilter: container_pb2.ContainerFilter,
    resources.LinuxContainerResources: resources_pb2.LinuxContainerResources,
    image.Image: image_pb2.Image,
    image.ImageFilter: image_pb2.ImageFilter,
    image.AuthConfig: image_pb2.AuthConfig,
    stats.ContainerStats: stats_pb2.ContainerStats,
    stats.ContainerStatsFilter: stats_pb2.ContainerStatsFilter,
    stats.PodSandboxStats: stats_pb2.PodSandboxStats,
    stats.PodSandboxStatsFilter: stats_pb2.PodSandboxStatsFilter,
    metrics.MetricDescriptor: metrics_pb2.MetricDescriptor,
    metrics.PodSandboxMetrics: metrics_pb2.PodSandboxMetrics,
    event.ContainerEvent: runtime_pb2.ContainerEventResponse,
    stats.FilesystemUsage: stats_pb2.FilesystemUsage,
    status.VersionInfo: runtime_pb2.VersionResponse,
    status.StatusInfo: runtime_pb2.StatusResponse,
    status.LinuxRuntimeConfiguration: runtime_pb2.LinuxRuntimeConfiguration,
}

# Records of the state files and of the image store: they never travel.
NOT_ON_THE_WIRE = {"ContainerRecord", "ContainerStatus", "PodRecord", "PodStatus", "PinnedNamespaces"} | {
    "ImageRecord",
    "ImageConfig",
    "ImageVolume",
    "ShimOptions",
}

LEFT_OUT = {
    "PodSandboxConfig": {"windows"},
    "ContainerConfig": {"windows"},
    "ContainerResources": {"windows"},
    "PodSandboxStats": {"windows"},
    # Superseded by "seccomp" and "apparmor", which every supported kubelet sends.
    "LinuxSandboxSecurityContext": {"seccomp_profile_path"},
}


def every_pair() -> dict[type[msgspec.Struct], Any]:
    """All structs that travel, with their messages' classes, inner ones included."""
    found: dict[type[msgspec.Struct], Any] = {}
    todo: list[tuple[type[msgspec.Struct], Any]] = list(ROOTS.items())
    while todo:
        kind, message = todo.pop()
        if kind in found:
            continue
        found[kind] = message
        for pair in pairs(kind, message):
            if pair.form in (Form.STRUCT, Form.STRUCTS):
                todo.append((pair.kind, pair.message._concrete_class))
    return found


def test_every_model_struct_travels_or_is_known_not_to() -> None:
    modules = (pod, container, resources, security, image, stats, status)
    structs = {
        kind.__name__
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Value) and kind is not Value
    }
    assert structs - {kind.__name__ for kind in every_pair()} == NOT_ON_THE_WIRE


def test_the_model_leaves_out_only_what_it_means_to() -> None:
    missing = {kind.__name__: left_out(kind, message) for kind, message in every_pair().items()}
    assert {name: fields for name, fields in missing.items() if fields} == LEFT_OUT


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a struct type that the wire can carry."""
    message = every_pair()[kind]
    return st.builds(kind, **{pair.attribute: _field(pair) for pair in pairs(kind, message)})


def _field(pair: Any) -> st.SearchStrategy[Any]:
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    small = st.integers(0, 2**31 - 1)
    match pair.form:
        case Form.MAP:
            return st.dictionaries(texts, texts, max_size=2)
        case Form.ENUM:
            return st.sampled_from(list(pair.kind))
        case Form.WRAPPED:
            return st.none() | small
        case Form.STRUCT:
            inner = st.deferred(lambda: values_of(pair.kind))
            return st.none() | inner if pair.default is None else inner
        case Form.STRUCTS:
            return st.lists(st.deferred(lambda: values_of(pair.kind)), max_size=2).map(tuple)
    scalars = {str: texts, int: small, bool: st.booleans(), bytes: st.binary(max_size=6), float: st.just(1.5)}
    one = scalars[pair.kind]
    # stop_signal is an open enum on the wire.
    one = st.integers(0, 60) if pair.name == "stop_signal" else one
    return st.lists(one, max_size=2).map(tuple) if pair.form is Form.LIST else one


@pytest.mark.parametrize("kind", ROOTS, ids=lambda kind: kind.__name__)
def test_a_value_survives_the_wire(kind: type[Value]) -> None:
    message = ROOTS[kind]

    @settings(max_examples=12, deadline=None, database=None)
    @given(values_of(kind))
    def round_trip(value: Value) -> None:
        received = message.FromString(pack(value, message).SerializeToString())
        assert unpack(received, kind) == value

    round_trip()


def test_an_absent_message_is_the_default_or_none() -> None:
    config = unpack(pod_config_pb2.PodSandboxConfig(hostname="h"), pod.PodSandboxConfig)
    assert config == pod.PodSandboxConfig(hostname="h")
    assert config.dns_config is None


def test_zero_is_told_from_nothing() -> None:
    message = security_pb2.LinuxContainerSecurityContext()
    message.run_as_user.value = 0
    context = unpack(message, security.LinuxContainerSecurityContext)
    assert (context.run_as_user, context.run_as_group) == (0, None)
    back = pack(context, security_pb2.LinuxContainerSecurityContext)
    assert back.HasField("run_as_user") and not back.HasField("run_as_group")


def test_an_empty_inner_struct_is_still_sent() -> None:
    found = pack(container.ContainerUser(), container_pb2.ContainerUser)
    assert found.HasField("linux")


def test_fields_with_odd_names_are_found() -> None:
    config = container.ContainerConfig(
        cdi_devices=(container.CDIDevice(name="v.com/c=d"),),
        mounts=(container.Mount(uid_mappings=(security.IDMapping(host_id=1, length=2),)),),
    )
    message = pack(config, container_config_pb2.ContainerConfig)
    assert message.CDI_devices[0].name == "v.com/c=d"
    assert message.mounts[0].uidMappings[0].host_id == 1


def test_an_unknown_enum_number_is_told_with_its_path() -> None:
    request = container_pb2.CreateContainerRequest()
    request.config.mounts.add()
    request.config.mounts.add(propagation=7)  # type: ignore[arg-type]  # what a newer client might send
    with pytest.raises(
        InvalidArgument, match=r"^config\.mounts\[1\]\.propagation is 7, which is no MountPropagation .*PRIVATE 0"
    ):
        unpack_required(request, "config", container.ContainerConfig)
    options = security_pb2.NamespaceOption()
    options.userns_options.mode = 9  # type: ignore[assignment]  # what a newer client might send
    with pytest.raises(InvalidArgument, match=r"^userns_options\.mode is 9, which is no NamespaceMode"):
        unpack(options, security.NamespaceOption)


def test_required_and_optional_parts_of_a_request() -> None:
    with pytest.raises(InvalidArgument, match=r"^config is missing$"):
        unpack_required(pod_pb2.RunPodSandboxRequest(), "config", pod.PodSandboxConfig)
    request = pod_pb2.ListPodSandboxRequest()
    assert unpack_field(request, "filter", pod.PodSandboxFilter) is None
    request.filter.id = "ab"
    assert unpack_field(request, "filter", pod.PodSandboxFilter) == pod.PodSandboxFilter(id="ab")


def test_a_message_without_a_part_that_must_be_there() -> None:
    with pytest.raises(InvalidArgument, match=r"^metadata is missing$"):
        unpack(container_pb2.Container(id="x"), container.Container)


def test_lists_are_packed_in_one_construction() -> None:
    items = [container.ContainerMetadata(name=name) for name in "abc"]
    trees = pack_all(items, container_config_pb2.ContainerMetadata)
    assert [tree["name"] for tree in trees] == ["a", "b", "c"]


class Unknown(Value):
    """Has a field that no message has."""

    surprise: str = ""


class WrongType(Value):
    """Its partner's field is a string."""

    name: int = 0


class WrongEnum(Value):
    """Its partner's enum is another one."""

    propagation: NamespaceMode = NamespaceMode.POD


@pytest.mark.parametrize(
    ("kind", "message", "told"),
    [
        (Unknown, container_config_pb2.ContainerMetadata, "ContainerMetadata has no field surprise"),
        (WrongType, container_config_pb2.ContainerMetadata, "cannot carry ContainerMetadata.name"),
        (WrongEnum, container_config_pb2.Mount, "cannot carry Mount.propagation"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_when_the_converter_is_built(kind: Any, message: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        pack(kind(), message)


def test_enums_come_back_as_members() -> None:
    mount = unpack(container_config_pb2.Mount(propagation=2), container.Mount)  # type: ignore[arg-type]  # by number
    assert mount.propagation is MountPropagation.PROPAGATION_BIDIRECTIONAL
