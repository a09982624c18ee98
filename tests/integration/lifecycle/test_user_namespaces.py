"""Pods with a user namespace (KEP-127): ids inside and on the node, volumes, sysctls, restarts, refusals."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.images import File, ImageBuilder
from tests.harness import privacy
from tests.harness.cri import Cri, refused
from tests.harness.foreign import FOREIGN
from tests.harness.node import Node
from tests.harness.pods import CONTAINER, NODE, POD, TARGET, Container, Pods
from tests.integration.lifecycle.conftest import each_handler
from tests.parts.registry import Registry
from tests.parts.tools import tool

FIRST, COUNT = 200000, 65536
MAPPINGS = [{"host_id": FIRST, "container_id": 0, "length": COUNT}]
OWN = {"mode": POD, "uids": MAPPINGS, "gids": MAPPINGS}


def _linux(
    userns: dict[str, Any] | None = None, *, context: dict[str, Any] | None = None, **modes: Any
) -> dict[str, Any]:
    options = {"pid": CONTAINER, "userns_options": OWN if userns is None else userns, **modes}
    return {"security_context": {"namespace_options": options, **(context or {})}}


LINUX = _linux()


def _owner(container: Container) -> tuple[int, int]:
    """Who the first process is on the node."""
    info = os.stat(f"/proc/{container.info()['pid']}")
    return info.st_uid, info.st_gid


@pytest.fixture(autouse=True)
def able(cri: Cri, handler: str) -> None:
    """The node and the test's handler can do it."""
    features = {item.name: item.features for item in cri("Status").runtime_handlers}
    if FOREIGN and not features:
        pytest.skip("the runtime does not tell whether it has user namespaces")
    if not features[handler].user_namespaces:
        pytest.skip(f"handler {handler!r} has no user namespaces, or kernel or filesystem have no idmapped mounts")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory of the node that pods may pass through."""
    with tempfile.TemporaryDirectory(prefix="orlop-shared-", dir="/tmp") as name:
        os.chmod(name, 0o711)
        yield Path(name)


@each_handler
def test_root_inside_is_nobody_outside(pods: Pods) -> None:
    pod = pods.run(linux=LINUX)
    container = pod.start(linux=LINUX)
    assert container.sh("cat /proc/self/uid_map /proc/self/gid_map").split() == ["0", str(FIRST), str(COUNT)] * 2
    assert container.sh("id -u; id -g; stat -c %u:%g / /bin/busybox").split() == ["0", "0", "0:0", "0:0"]
    assert _owner(container) == (FIRST, FIRST)
    container.sh("touch /written; chown 7:8 /written; cp /bin/busybox /tmp/x; chmod u+s /tmp/x")
    assert container.sh("stat -c %u:%g /written") == "7:8"
    # Its own namespaces belong to its user namespace: it can administer its network, and cannot the node.
    assert "NET_ADMIN" not in container.info()["runtimeSpec"]["process"]["capabilities"]["effective"]
    assert pod.status().linux.namespaces.options.userns_options.uids[0].host_id == FIRST
    root = container.info()["runtimeSpec"]["root"]["path"]
    assert os.stat(f"{root}/written").st_uid == FIRST + 7
    assert os.stat(f"{root}/bin/busybox").st_uid == FIRST


@each_handler
def test_containers_share_it_and_pods_do_not(pods: Pods) -> None:
    pod = pods.run(linux=LINUX)
    one, two = pod.start(linux=LINUX), pod.start(linux=_linux(context={"run_as_user": {"value": 1000}}))
    other = pods.run(linux=LINUX).start(linux=LINUX)
    spaces = [container.sh("readlink /proc/self/ns/user") for container in (one, two, other)]
    assert spaces[0] == spaces[1] != spaces[2]
    assert os.readlink("/proc/self/ns/user") not in spaces
    assert _owner(two)[0] == FIRST + 1000
    assert two.exec("sh", "-c", "id -u; cat /proc/self/uid_map").stdout.split()[:2] == [b"1000", b"0"]


@each_handler
def test_it_rules_its_network_and_ipc(pods: Pods) -> None:
    """sysfs, mqueue and sysctls of namespaces that the user namespace owns."""
    sysctls = {"net.ipv4.ip_unprivileged_port_start": "0", "kernel.shm_rmid_forced": "1", "kernel.msgmax": "9999"}
    pod = pods.run(hostname="inside", linux={**LINUX, "sysctls": sysctls})
    context = {"capabilities": {"add_capabilities": ["NET_ADMIN"]}}
    container = pod.start(linux=_linux(context=context))
    assert container.sh("cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced") == "0\n1"
    assert container.sh("cat /proc/sys/kernel/msgmax; hostname; ls /sys/class/net").split()[:2] == ["9999", "inside"]
    container.sh("ip link set lo mtu 1400")
    assert container.sh("cat /sys/class/net/lo/mtu") == "1400"
    assert pod.ip
    with refused("INVALID_ARGUMENT", "kernel.msgmax"):
        pods.run(linux={**LINUX, "sysctls": {"kernel.msgmax": "-7"}})


@each_handler
def test_its_own_files_are_its_roots(pods: Pods) -> None:
    pod = pods.run(linux=LINUX)
    one, two = pod.start(linux=LINUX), pod.start(linux=LINUX)
    assert set(one.sh("stat -c %u:%g /etc/resolv.conf /etc/hostname /dev/shm").split()) == {"0:0"}
    one.sh("echo '# mine' >> /etc/resolv.conf; echo shared > /dev/shm/file; chmod 600 /dev/shm/file")
    assert two.sh("tail -n 1 /etc/resolv.conf; cat /dev/shm/file; stat -c %u /dev/shm/file").splitlines() == [
        "# mine",
        "shared",
        "0",
    ]


@each_handler
def test_devices_are_the_nodes_own(pods: Pods) -> None:
    linux = _linux(context={"privileged": True})
    pod = pods.run(linux=linux)
    device = {"host_path": "/dev/full", "container_path": "/dev/inner/full", "permissions": "rw"}
    container = pod.start(linux=LINUX, devices=[device])
    assert container.sh("stat -c %t:%T /dev/inner/full /dev/null").split() == ["1:7", "1:3"]
    assert container.exec("sh", "-c", "echo x > /dev/inner/full").stderr.endswith(b"No space left on device\n")
    assert pod.start(linux=linux).sh("test -c /dev/full && mkdir /m && mount -t tmpfs none /m && echo able") == "able"


@each_handler
def test_the_nodes_null_device_stays_roots(pods: Pods) -> None:
    """crun 1.8 gives it to the container's user, when it creates a container here and at each command."""
    user = {"run_as_user": {"value": 1000}}
    inside = pods.run(linux=LINUX).start(linux=_linux(context=user))
    assert os.stat("/dev/null").st_uid == 0
    assert inside.sh("cat; id -u") == "1000"
    outside = pods.run().start(linux={"security_context": {"namespace_options": {"pid": CONTAINER}, **user}})
    assert outside.sh("cat; id -u") == "1000"
    info = os.stat("/dev/null")
    assert (info.st_uid, info.st_gid, info.st_mode & 0o777) == (0, 0, 0o666)


@each_handler
def test_a_shared_pid_namespace(pods: Pods) -> None:
    linux = _linux(pid=POD)
    pod = pods.run(linux=linux)
    one = pod.start("sh", "-c", "exec sleep 4321", linux=linux)
    two = pod.start(linux=linux)
    assert "4321" in two.sh("ps -o args")
    assert one.sh("readlink /proc/self/ns/pid") == two.sh("readlink /proc/self/ns/pid")


@each_handler
def test_in_the_nodes_network(pods: Pods) -> None:
    linux = _linux(network=NODE)
    container = pods.run(linux=linux).start(linux=linux)
    assert container.sh("readlink /proc/self/ns/net") == os.readlink("/proc/self/ns/net")
    assert _owner(container) == (FIRST, FIRST)
    assert "lo" in container.sh("ls /sys/class/net").split()


@each_handler
def test_owners_of_volumes_are_mapped(pods: Pods, shared: Path) -> None:
    data = shared / "data"
    data.mkdir(mode=0o700)
    (data / "mine").write_text("0")
    os.chown(data / "mine", 33, 44)
    (shared / "file").write_text("hello")
    (shared / "file").chmod(0o600)
    mapped = {"uidMappings": MAPPINGS, "gidMappings": MAPPINGS}
    mounts = [
        {"container_path": "/data", "host_path": str(data), **mapped},
        {"container_path": "/file", "host_path": str(shared / "file"), "readonly": True, **mapped},
        {"container_path": "/plain", "host_path": str(shared), "readonly": True},
    ]
    container = pods.run(linux=LINUX).start(linux=LINUX, mounts=mounts)
    assert container.sh("stat -c %u:%g /data /data/mine; cat /file").split() == ["0:0", "33:44", "hello"]
    container.sh("touch /data/new; chown 5:6 /data/new")
    info = (data / "new").stat()
    assert (info.st_uid, info.st_gid) == (5, 6)
    assert container.sh("stat -c %u /plain/file; touch /file 2>/dev/null || echo read-only").split() == [
        "65534",
        "read-only",
    ]
    assert not Path(container.info()["bundle"], "idmapped").exists()
    assert len(container.status().mounts[0].uidMappings) == 1


@pytest.mark.parametrize("layers", [1, 2])
def test_owners_in_an_image_volume_are_mapped(pods: Pods, cri: Cri, registry: Registry, layers: int) -> None:
    builder = ImageBuilder().layer({"first": File(b"", uid=7)})
    if layers == 2:
        builder = builder.layer({"second": b""})
    image = cri("PullImage", image={"image": registry.push(builder.build(), f"mapped:{layers}")}).image_ref
    volume = {"container_path": "/data", "image": {"image": image}, "readonly": True, "uidMappings": MAPPINGS}
    pod = pods.run(linux=LINUX)
    container = pod.start(linux=LINUX, mounts=[{**volume, "gidMappings": MAPPINGS}])
    assert container.sh("stat -c %u:%g /data /data/first").split() == ["0:0", "7:0"]
    assert container.exec("touch", "/data/new").exit_code != 0
    pod.remove()
    cri("RemoveImage", image={"image": image})


def test_what_cannot_be_mapped_is_named(pods: Pods) -> None:
    pod = pods.run(linux=LINUX)
    mapped = {"uidMappings": MAPPINGS, "gidMappings": MAPPINGS}
    with refused("UNIMPLEMENTED", "/sys/kernel", "sysfs", "idmapped"):
        pod.create(linux=LINUX, mounts=[{"container_path": "/data", "host_path": "/sys/kernel", **mapped}])
    others = [{"host_id": FIRST + 1, "container_id": 0, "length": COUNT}]
    for wrong in ({"uidMappings": others, "gidMappings": others}, {"uidMappings": MAPPINGS}):
        with refused("INVALID_ARGUMENT", "/data", "gidMappings"):
            pod.create(linux=LINUX, mounts=[{"container_path": "/data", "host_path": "/tmp", **wrong}])
    with refused("INVALID_ARGUMENT", "/data", "no user namespace"):
        pods.run().create(mounts=[{"container_path": "/data", "host_path": "/tmp", **mapped}])


@pytest.mark.parametrize(
    ("userns", "modes", "words"),
    [
        ({"mode": POD, "uids": MAPPINGS * 2, "gids": MAPPINGS}, {}, ["uids", "exactly one"]),
        ({"mode": POD, "uids": MAPPINGS, "gids": []}, {}, ["gids", "exactly one"]),
        ({"mode": POD, "uids": [{**MAPPINGS[0], "container_id": 1}], "gids": MAPPINGS}, {}, ["uids[0].container_id"]),
        ({"mode": POD, "uids": [{**MAPPINGS[0], "host_id": 0}], "gids": MAPPINGS}, {}, ["uids[0]", "root"]),
        ({"mode": POD, "uids": MAPPINGS, "gids": [{**MAPPINGS[0], "length": 2**32 - 1}]}, {}, ["gids[0]"]),
        ({"mode": CONTAINER}, {}, ["CONTAINER"]),
        ({"mode": TARGET}, {}, ["TARGET"]),
        ({"mode": NODE, "uids": MAPPINGS}, {}, ["mode is NODE"]),
        (OWN, {"pid": NODE}, ["pid is NODE"]),
        (OWN, {"ipc": NODE}, ["ipc is NODE"]),
    ],
)
def test_other_shapes_are_refused(pods: Pods, userns: dict[str, Any], modes: dict[str, Any], words: list[str]) -> None:
    with refused("INVALID_ARGUMENT", *words):
        pods.run(linux=_linux(userns, **modes))


def test_the_nodes_user_namespace_when_asked_for(pods: Pods) -> None:
    linux = _linux({"mode": NODE})
    container = pods.run(linux=linux).start(linux=linux)
    assert container.sh("readlink /proc/self/ns/user") == os.readlink("/proc/self/ns/user")


@each_handler
def test_a_restarted_daemon_goes_on_with_it(own_node: Node, own_pods: Pods) -> None:
    pod = own_pods.run(linux=LINUX)
    container = pod.start(linux=LINUX)
    space = container.sh("readlink /proc/self/ns/user")
    own_node.restart(hard=True)
    assert container.sh("readlink /proc/self/ns/user") == space
    assert pod.start(linux=LINUX).sh("readlink /proc/self/ns/user") == space
    assert pod.status().state == 0


def test_with_a_newer_runc(new_node: Callable[..., Node], image: str, shared: Path) -> None:
    """Another generation of the OCI runtime: Debian's runc is 1.1."""
    (shared / "file").write_text("hello")
    with new_node(handlers={"runc": {"path": tool("runc-new")}}) as node:
        node.start()
        node.cri("PullImage", image={"image": image})
        pods = Pods(node.cri, image, node.logs)
        mount = {"container_path": "/file", "host_path": str(shared / "file")}
        mapped = {"uidMappings": MAPPINGS, "gidMappings": MAPPINGS}
        container = pods.run(linux=LINUX).start(linux=LINUX, mounts=[{**mount, **mapped}])
        assert container.sh("cat /proc/self/uid_map; stat -c %u:%g / /file").split()[1:] == [
            str(FIRST),
            str(COUNT),
            "0:0",
            "0:0",
        ]
        assert _owner(container) == (FIRST, FIRST)
        pods.remove_all()


def test_a_pod_that_has_lost_it_is_not_ready(own_node: Node, own_pods: Pods) -> None:
    pod = own_pods.run(linux=LINUX)
    own_node.stop()
    privacy.unmount(f"{own_node.state_dir}/pods/{pod.id}/ns/user")
    own_node.start()
    assert pod.status().state == 1
    with refused("FAILED_PRECONDITION", "user namespace"):
        pod.create(linux=LINUX)
