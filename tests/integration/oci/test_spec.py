"""What a container really sees of its spec: identity, capabilities, seccomp, environment, mounts, devices."""

import os
import stat
from collections.abc import Callable, Iterator

import pytest
from msgspec import structs

from orlop.linux.mounts import make_private, make_shared, tmpfs, unmount
from orlop.model.container import Device, KeyValue, Mount
from orlop.model.enums import MountPropagation, ProfileType, SupplementalGroupsPolicy
from orlop.model.errors import FailedPrecondition
from orlop.model.image import ImageConfig
from orlop.model.resources import LinuxContainerResources
from orlop.model.security import Capability, LinuxContainerSecurityContext, SecurityProfile
from tests.integration.oci.box import Box, Place, config, listing, read, until, write

Make = Callable[..., Box]

RUNTIME_DEFAULT = SecurityProfile()
UNCONFINED = SecurityProfile(profile_type=ProfileType.Unconfined)


def status_masks(text: str) -> dict[str, int]:
    """Capability sets from a /proc/<pid>/status."""
    pairs = (line.split(":") for line in text.splitlines() if line.startswith("Cap"))
    return {key: int(value, 16) for key, value in pairs}


async def test_the_images_user_with_its_groups(box: Make) -> None:
    assert await box(config("id -u; id -g; id -G"), image=ImageConfig(user="ann")).run() == "1000\n1000\n1000 50 5000"


async def test_requested_user_and_groups_strictly(box: Make) -> None:
    context = LinuxContainerSecurityContext(
        run_as_user=1000,
        run_as_group=77,
        supplemental_groups=(88, 99),
        supplemental_groups_policy=SupplementalGroupsPolicy.Strict,
    )
    assert await box(config("id -u; id -G; echo $HOME", context=context)).run() == "1000\n77 88 99\n/home/ann"


async def test_the_default_capabilities_and_no_more(box: Make) -> None:
    masks = status_masks(await box(config("cat /proc/self/status")).run())
    expected = sum(1 << bit for bit in (0, 1, 3, 4, 5, 6, 7, 8, 10))
    assert masks == {"CapInh": 0, "CapPrm": expected, "CapEff": expected, "CapBnd": expected, "CapAmb": 0}


async def test_a_user_other_than_root_keeps_only_the_bounding_set(box: Make) -> None:
    masks = status_masks(
        await box(config("cat /proc/self/status", context=LinuxContainerSecurityContext(run_as_user=1000))).run()
    )
    assert masks["CapEff"] == masks["CapPrm"] == 0
    assert masks["CapBnd"] != 0


async def test_ambient_capabilities_reach_such_a_user(box: Make) -> None:
    capabilities = Capability(drop_capabilities=("ALL",), add_ambient_capabilities=("NET_BIND_SERVICE",))
    context = LinuxContainerSecurityContext(run_as_user=1000, capabilities=capabilities)
    masks = status_masks(await box(config("cat /proc/self/status", context=context)).run())
    assert masks["CapEff"] == masks["CapAmb"] == masks["CapBnd"] == 1 << 10


async def test_privileged_has_what_the_daemon_has(box: Make) -> None:
    script = "cat /proc/self/status; ls /dev; mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x; cat /data/secret"
    context = LinuxContainerSecurityContext(privileged=True, seccomp=RUNTIME_DEFAULT, masked_paths=("/data",))
    one = box(config(script, context=context))
    write(one.place.path("rootfs", "data", "secret"), "not masked\n")
    output = await one.run()
    own = status_masks(read("/proc/self/status"))
    assert status_masks(output)["CapEff"] == own["CapPrm"] & own["CapBnd"]
    assert "Seccomp:\t0" in output
    assert "not masked" in output
    assert set(listing("/dev")) & {"kmsg", "loop-control", "tty1"} <= set(output.split())


async def test_seccomp_default_blocks_namespaces_and_mounts(box: Make) -> None:
    script = (
        "grep -q 'Seccomp:.2' /proc/self/status && echo filtered; "
        "unshare -U true || echo no user namespace; unshare -m true || echo no mount namespace; "
        "mount -t tmpfs t /tmp || echo no mount; echo alive | cat"
    )
    context = LinuxContainerSecurityContext(seccomp=RUNTIME_DEFAULT)
    lines = [line for line in (await box(config(script, context=context)).run()).splitlines() if ": " not in line]
    assert lines == ["filtered", "no user namespace", "no mount namespace", "no mount", "alive"]


async def test_unconfined_does_not(box: Make) -> None:
    context = LinuxContainerSecurityContext(seccomp=UNCONFINED)
    output = await box(config("unshare -U echo made; grep Seccomp: /proc/self/status", context=context)).run()
    assert output.splitlines() == ["made", "Seccomp:\t0"]


async def test_seccomp_default_with_sys_admin_allows_namespaces(box: Make) -> None:
    context = LinuxContainerSecurityContext(
        seccomp=RUNTIME_DEFAULT, capabilities=Capability(add_capabilities=("SYS_ADMIN",))
    )
    assert await box(config("unshare -m echo made", context=context)).run() == "made"


async def test_a_localhost_profile(box: Make, at: Place) -> None:
    path = at.path("no-mkdir.json")
    rule = '{"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}'
    write(path, f'{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rule}]}}')
    profile = SecurityProfile(profile_type=ProfileType.Localhost, localhost_ref=path)
    context = LinuxContainerSecurityContext(seccomp=profile)
    assert "No space left" in await box(config("mkdir /tmp/x 2>&1", context=context)).run()


async def test_no_new_privileges(box: Make) -> None:
    context = LinuxContainerSecurityContext(no_new_privs=True)
    assert "NoNewPrivs:\t1" in await box(config("grep NoNewPrivs /proc/self/status", context=context)).run()


async def test_environment_with_strange_values(box: Make) -> None:
    envs = (
        KeyValue(key="LINES", value=b"one\ntwo"),
        KeyValue(key="UTF", value="größer".encode()),
        KeyValue(key="RAW", value=b"a\xffb"),
        KeyValue(key="IMAGE", value=b"overridden"),
    )
    wanted = config('echo "$LINES|$UTF|$RAW|$IMAGE|$KEPT|$HOME"', envs=envs)
    output = await box(wanted, image=ImageConfig(env=("IMAGE=x", "KEPT=image"))).run()
    # JSON cannot carry the byte: every OCI runtime gets U+FFFD.
    assert output == "one\ntwo|größer|a�b|overridden|image|/root"


async def test_working_directory_and_command_of_the_image(box: Make) -> None:
    wanted = structs.replace(config("unused"), command=())
    image = ImageConfig(entrypoint=("/bin/sh", "-c"), cmd=("pwd",), working_dir="/data")
    assert await box(wanted, image=image).run() == "/data"


async def test_a_working_directory_that_is_not_there_is_made(box: Make) -> None:
    assert await box(config("pwd", working_dir="/made/up")).run() == "/made/up"


async def test_no_descriptor_of_ours_is_inherited(box: Make) -> None:
    one = await box(config("ls /proc/self/fd; sleep 1000")).start()
    inside = await one.execute("ls /proc/self/fd")
    # The last one is ls's own.
    assert inside.stdout == b"0\n1\n2\n3\n"
    await until(lambda: one.output() == "0\n1\n2\n3")


async def test_masked_and_readonly_paths(box: Make) -> None:
    context = LinuxContainerSecurityContext(
        masked_paths=("/data", "/etc/group"), readonly_paths=("/tmp", "/proc/sys"), readonly_rootfs=False
    )
    script = "ls /data | cat; cat /etc/group; touch /tmp/x 2>&1; touch /etc/y && echo written"
    one = box(config(script, context=context))
    write(one.place.path("rootfs", "data", "secret"), "")
    assert await one.run() == "touch: /tmp/x: Read-only file system\nwritten"


async def test_readonly_root_filesystem(box: Make) -> None:
    context = LinuxContainerSecurityContext(readonly_rootfs=True)
    assert "Read-only" in await box(config("touch /x 2>&1", context=context)).run()


async def test_sysfs_and_cgroups_are_read_only(box: Make) -> None:
    script = "touch /sys/x 2>&1; mkdir /sys/fs/cgroup/memory/x /sys/fs/cgroup/x 2>&1"
    output = (await box(config(script)).run()).splitlines()
    assert output
    assert all("Read-only" in line for line in output)


async def test_mounts_nest_and_replace(box: Make, at: Place) -> None:
    for name in ("outer", "inner", "shm"):
        os.mkdir(at.path(name))
        write(at.path(name, f"in-{name}"), "")
    os.mkdir(at.path("outer", "sub"))
    os.symlink(at.path("outer"), at.path("link"))
    mounts = (
        Mount(container_path="/data/sub", host_path=at.path("inner"), readonly=True),
        Mount(container_path="/data", host_path=at.path("link")),
        Mount(container_path="/dev/shm", host_path=at.path("shm")),
    )
    output = await box(
        config("ls /data /data/sub /dev/shm; touch /data/sub/x 2>&1; touch /data/y", mounts=mounts)
    ).run()
    assert "in-outer" in output
    assert "in-inner" in output
    assert "in-shm" in output
    assert "Read-only" in output
    assert "y" in listing(at.path("outer"))


@pytest.fixture
def volume(at: Place) -> Iterator[str]:
    """A tmpfs with a mount of its own."""
    path = at.path("volume")
    os.mkdir(path)
    tmpfs(path, size=1 << 20)
    os.mkdir(f"{path}/sub")
    yield path
    unmount(f"{path}/sub")
    unmount(path)


async def test_mounts_made_later_travel_as_asked(box: Make, volume: str) -> None:
    make_shared(volume)
    wait = "until [ -e /tmp/go ]; do sleep 0.05; done"
    modes = {
        MountPropagation.PROPAGATION_PRIVATE: "",
        MountPropagation.PROPAGATION_HOST_TO_CONTAINER: "seen",
    }
    for mode, seen in modes.items():
        mount = Mount(container_path="/data", host_path=volume, propagation=mode)
        one = await box(config(f"rm -f /tmp/go; {wait}; cat /data/sub/file 2>/dev/null", mounts=(mount,))).start()
        tmpfs(f"{volume}/sub")
        write(f"{volume}/sub/file", "seen\n")
        await one.execute("touch /tmp/go")
        await one.finish()
        assert one.output() == seen
        unmount(f"{volume}/sub")
        os.unlink(one.place.path("rootfs", "tmp", "go"))


async def test_bidirectional_mounts_reach_the_host(box: Make, volume: str) -> None:
    make_shared(volume)
    mount = Mount(container_path="/data", host_path=volume, propagation=MountPropagation.PROPAGATION_BIDIRECTIONAL)
    context = LinuxContainerSecurityContext(privileged=True)
    await box(config("mount -t tmpfs t /data/sub && touch /data/sub/inside", mounts=(mount,), context=context)).run()
    assert listing(f"{volume}/sub") == ["inside"]


async def test_propagation_from_a_private_mount_is_refused(box: Make, volume: str) -> None:
    make_private(volume)
    mount = Mount(container_path="/data", host_path=volume, propagation=MountPropagation.PROPAGATION_HOST_TO_CONTAINER)
    with pytest.raises(FailedPrecondition, match=volume):
        await box(config("true", mounts=(mount,))).create()


async def test_recursive_read_only(box: Make, volume: str) -> None:
    tmpfs(f"{volume}/sub")
    mount = Mount(container_path="/data", host_path=volume, readonly=True, recursive_read_only=True)
    output = await box(config("touch /data/x 2>&1; touch /data/sub/x 2>&1", mounts=(mount,))).run()
    assert output.count("Read-only") == 2


async def test_devices(box: Make, at: Place) -> None:
    node = at.path("fuse")
    os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(10, 229))
    device = Device(host_path=node, container_path="/dev/inner/fuse", permissions="r")
    wanted = config("(: < /dev/inner/fuse) 2>&1; echo -; (: > /dev/inner/fuse) 2>&1; ls /dev", devices=(device,))
    reading, writing = (await box(wanted).run()).split("-\n", 1)
    assert "not permitted" not in reading
    assert "not permitted" in writing
    assert "loop-control" not in writing


async def test_limits_and_oom_score(box: Make) -> None:
    resources = LinuxContainerResources(cpu_quota=50_000, cpu_period=100_000, oom_score_adj=500)
    assert await box(config("cat /proc/self/oom_score_adj", resources=resources)).run() == "500"


async def test_a_terminal(box: Make) -> None:
    assert await box(config("tty; echo $TERM", tty=True)).run() == "/dev/pts/0\nxterm"
