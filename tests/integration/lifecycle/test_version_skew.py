"""Kubelets of three minors against the same daemon: docs/version-skew.md, each with the protocol as it knows it.

A kubelet's messages are made of the table of wire facts, so that one of 1.35 can neither send nor read what came later.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from orlop.api.unbuilt import UNBUILT
from tests.harness.cri import Cri, refused
from tests.harness.foreign import FOREIGN
from tests.harness.minors import MINORS, methods, news
from tests.harness.pods import EXITED, READY, Pods

DOCUMENT = Path(__file__).parents[3] / "docs" / "version-skew.md"
CONDITIONS = ("RuntimeReady", "NetworkReady")
"""All of ours, and those that a kubelet looks at."""
UNKNOWN_FIELD = b"\xc2\x3e\x05later"
"""Field 1000 with the text "later": what a protocol of the future may have."""


@pytest.fixture(params=MINORS)
def minor(request: pytest.FixtureRequest) -> str:
    """A Kubernetes minor."""
    return str(request.param)


@pytest.fixture
def kubelet(cri: Cri, minor: str) -> Iterator[Cri]:
    """A connection that speaks as this minor's kubelet."""
    kubelet = Cri(cri.socket, methods(minor))
    yield kubelet
    kubelet.close()


@pytest.fixture
def their_pods(kubelet: Cri, pods: Pods) -> Iterator[Pods]:
    """Pods made by that kubelet."""
    theirs = Pods(kubelet, pods.image, pods.logs)
    yield theirs
    theirs.remove_all()


def _reduced(message: Any, kind: type[Any]) -> Any:
    """An answer as this minor's kubelet understands it; the time of asking is left out."""
    known = kind.FromString(message.SerializeToString())
    known.DiscardUnknownFields()
    if "timestamp" in kind.DESCRIPTOR.fields_by_name:
        known.ClearField("timestamp")
    for field, value in known.ListFields() if FOREIGN else ():  # lists are in any order there; ours have one
        if field.is_repeated and field.message_type:
            value.sort(key=lambda item: item.SerializeToString(deterministic=True))
    return known


def test_a_kubelet_starts(kubelet: Cri) -> None:
    """The calls a kubelet makes before its first pod, and what stops it when the answer is another."""
    version = kubelet("Version", version="0.1.0")
    assert (version.version, version.runtime_api_version) == ("0.1.0", "v1")
    status = kubelet("Status", verbose=False)
    conditions = {item.type: item.status for item in status.status.conditions if item.type in CONDITIONS or not FOREIGN}
    assert conditions == dict.fromkeys(CONDITIONS, True)
    assert status.features.supplemental_groups_policy
    assert any(handler.features.recursive_read_only_mounts for handler in status.runtime_handlers)
    # CGROUPFS is 1: without this answer kubelets fall back to their own setting until 1.38.
    assert kubelet("RuntimeConfig").linux.cgroup_driver in (0, 1)
    assert kubelet("ImageFsInfo").image_filesystems[0].fs_id.mountpoint


def test_a_pods_life(kubelet: Cri, their_pods: Pods, cri: Cri) -> None:
    pod = their_pods.run(labels={"app": "skew"})
    container = pod.start("sh", "-c", "echo hello; exit 3", envs=[{"key": "A", "value": b"b"}])
    status = container.wait()
    for rpc, fields in (
        ("PodSandboxStatus", {"pod_sandbox_id": pod.id}),
        ("ContainerStatus", {"container_id": container.id}),
        ("ListPodSandbox", {"filter": {"id": pod.id}}),
        ("ListContainers", {"filter": {"pod_sandbox_id": pod.id}}),
        ("ListImages", {}),
        ("Status", {}),
    ):
        theirs, newest = kubelet(rpc, **fields), cri(rpc, **fields)
        assert _reduced(theirs, type(theirs)) == _reduced(newest, type(theirs)), rpc
    assert (status.state, status.exit_code, status.reason) == (EXITED, 3, "Error")
    assert container.output() == "hello\n"
    running = pod.start()
    assert running.exec("echo", "probed").stdout == b"probed\n"
    assert kubelet("ListContainerStats", filter={"id": running.id}).stats[0].memory.working_set_bytes.value
    kubelet("UpdateContainerResources", container_id=running.id, linux={"cpu_shares": 512})
    assert running.status().resources.linux.cpu_shares == 512
    running.stop()
    pod.stop()
    pod.remove()
    assert not kubelet("ListPodSandbox", filter={"id": pod.id}).items


def test_an_image_volume(kubelet: Cri, their_pods: Pods, minor: str) -> None:
    """Since 1.36 the kubelet names the volume's image by digest too, and reads the digest in the status."""
    image = kubelet("ImageStatus", image={"image": their_pods.image}).image
    spec: dict[str, Any] = {"image": their_pods.image, "user_specified_image": their_pods.image}
    if minor != "1.35":
        spec["image_ref"] = image.id
    mount = {"container_path": "/volume", "image": spec, "readonly": True}
    container = their_pods.run().start(mounts=[mount])
    assert container.sh("ls /volume/bin/busybox") == "/volume/bin/busybox"
    [told] = [mount for mount in container.status().mounts if mount.container_path == "/volume"]
    assert told.image.image
    if minor != "1.35":
        assert "sha256:" in told.image.image_ref


def test_lists(kubelet: Cri, minor: str) -> None:
    """A kubelet whose gate CRIListStreaming is on takes the streams; an older one has the lists alone."""
    assert ("StreamContainers" in kubelet.methods) == (minor != "1.35")
    for rpc in [rpc for rpc, method in kubelet.methods.items() if method.streams and rpc != "GetContainerEvents"]:
        list(kubelet.stream(rpc))


def test_profiles_in_the_deprecated_words(pods: Pods) -> None:
    """seccomp_profile_path, where the message that replaced it is not sent."""
    pod = pods.run()
    found = {}
    for words in ("runtime/default", "unconfined"):
        context = {"seccomp_profile_path": words, "namespace_options": {"pid": 1}}
        found[words] = pod.start(linux={"security_context": context}).sh("grep ^Seccomp: /proc/1/status").split()[1]
    assert found == {"runtime/default": "2", "unconfined": "0"}
    with refused("INVALID_ARGUMENT", "seccomp_profile_path", "docker"):
        pod.create(linux={"security_context": {"seccomp_profile_path": "docker"}})


def test_what_is_not_built_says_so_by_name(kubelet: Cri) -> None:
    """UNIMPLEMENTED is what every kubelet falls back on."""
    for rpc in UNBUILT & kubelet.methods.keys():
        with refused("UNIMPLEMENTED", rpc):
            kubelet(rpc)


def test_a_field_of_the_future_is_passed_over(cri: Cri, pods: Pods) -> None:
    config = pods.config()
    method = cri.methods["RunPodSandbox"]
    request = method.request(config=config).SerializeToString() + UNKNOWN_FIELD
    with grpc.insecure_channel(f"unix:{cri.socket}", options=[("grpc.default_authority", "localhost")]) as channel:
        call = channel.unary_unary(method.path, response_deserializer=method.response.FromString)
        pod_id = call(request, timeout=60).pod_sandbox_id
    assert pods.adopt(pod_id, config).status().state == READY
    if not FOREIGN:
        assert pods.run_as(config).id == pod_id, "a retry without the field joins"


def test_the_document_names_what_each_minor_brought() -> None:
    rows = re.findall(r"^\| (1\.\d+) \| `([\w.]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted((minor, name) for minor in MINORS for name in news(minor))
