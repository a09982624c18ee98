"""Which image of an index a machine takes."""

import pytest

from orlop.engine.images import platform
from orlop.engine.images.manifest import Config, Descriptor, Platform
from orlop.model.errors import NotFound


def listed(*names: str) -> list[Descriptor]:
    found = []
    for number, name in enumerate(names):
        system, architecture, *variant = name.split("/")
        target = Platform(architecture, system, variant[0] if variant else None)
        found.append(Descriptor(digest=f"sha256:{number:064}", size=1, platform=target))
    return found


@pytest.mark.parametrize(
    ("machine", "names", "chosen"),
    [
        ("x86_64", ["linux/arm64", "linux/amd64"], "linux/amd64"),
        ("x86_64", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"], "linux/amd64"),
        ("x86_64", ["windows/amd64", "linux/amd64/v2"], "linux/amd64/v2"),
        ("aarch64", ["linux/arm/v7", "linux/arm64/v8"], "linux/arm64/v8"),
        ("aarch64", ["linux/arm64"], "linux/arm64"),
        ("armv7l", ["linux/arm/v5", "linux/arm/v6", "linux/arm64"], "linux/arm/v6"),
        ("s390x", ["linux/s390x"], "linux/s390x"),
    ],
)
def test_the_best_fit_is_taken(machine, names, chosen):
    assert str(platform.choose(listed(*names), "it", machine).platform) == chosen


def test_the_error_lists_what_there_is_without_attestations():
    with pytest.raises(NotFound, match=r"it has no image for linux/amd64; it has: linux/arm64, linux/riscv64$"):
        platform.choose(listed("linux/riscv64", "linux/arm64", "unknown/unknown"), "it", "x86_64")
    with pytest.raises(NotFound, match="none at all"):
        platform.choose([], "it", "x86_64")


def test_a_single_image_without_a_platform_is_taken():
    only = Descriptor(digest="sha256:" + "0" * 64, size=1)
    assert platform.choose([only], "it", "x86_64") is only
    with pytest.raises(NotFound):
        platform.choose([only, only], "it", "x86_64")


def test_a_manifest_without_index_is_held_against_its_configuration():
    platform.check(Config(), "it", "x86_64")
    platform.check(Config(architecture="amd64", os="linux"), "it", "x86_64")
    for other in (Config(architecture="arm64", os="linux"), Config(architecture="amd64", os="windows")):
        with pytest.raises(
            NotFound, match=f"it is for {other.os}/{other.architecture}, and this machine is linux/amd64"
        ):
            platform.check(other, "it", "x86_64")
    with pytest.raises(NotFound, match="arm/v7"):
        platform.check(Config(architecture="arm", os="linux", variant="v7"), "it", "armv6l")
