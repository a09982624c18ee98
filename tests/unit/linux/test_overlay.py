"""Overlay mounts: many layers, order, both kernel interfaces, idmapped layers, errors."""

import errno
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orlop.linux import mounts, overlay, syscalls

pytestmark = pytest.mark.root

Mounter = Callable[..., None]


def _by_options(target: str, *, lower: list[str], upper: str | None, work: str | None, volatile: bool = True) -> None:
    overlay._by_options(target, lower, upper, work, volatile=volatile)


@pytest.fixture(params=["context", "options"])
def mounter(request: pytest.FixtureRequest) -> Mounter:
    """The same behaviour by fsopen(2) and by mount(2), which older kernels use."""
    return mounts.overlay if request.param == "context" else _by_options


class Ground:
    """A tmpfs with layers: overlayfs wants an upper layer that is no overlay itself."""

    def __init__(self, root: Path, layers: int, name: str = "layer") -> None:
        mounts.tmpfs(str(root))
        self.root = root
        self.target, self.upper, self.work = (str(root / kind) for kind in ("target", "upper", "work"))
        for path in (self.target, self.upper, self.work):
            os.mkdir(path)
        self.lower = [str(root / f"{name}{number}") for number in range(layers)]
        for number, path in enumerate(self.lower):
            os.mkdir(path)
            Path(path, f"f{number}").touch()
            Path(path, "who").write_text(str(number))


def test_topmost_layer_first_and_writable(tmp_path: Path, private_mounts: None, mounter: Mounter) -> None:
    ground = Ground(tmp_path, 3)
    mounter(ground.target, lower=ground.lower, upper=ground.upper, work=ground.work)
    target = Path(ground.target)
    assert target.joinpath("who").read_text() == "0"
    assert sorted(os.listdir(target)) == ["f0", "f1", "f2", "who"]
    target.joinpath("who").write_text("new")
    assert Path(ground.upper, "who").read_text() == "new"
    assert Path(ground.lower[0], "who").read_text() == "0"
    assert "volatile" in ",".join(mounts.mount_table()[-1].super_options)


@pytest.mark.parametrize("name", ["layer", "l" * 240, "odd:na,me\\"])
def test_many_layers(tmp_path: Path, private_mounts: None, mounter: Mounter, name: str) -> None:
    """128 layers fill mount(2)'s page many times over with such names."""
    ground = Ground(tmp_path, 128, name)
    here = os.getcwd()
    mounter(ground.target, lower=ground.lower, upper=ground.upper, work=ground.work, volatile=False)
    assert len(os.listdir(ground.target)) == 129
    assert Path(ground.target, "who").read_text() == "0"
    assert os.getcwd() == here
    assert "volatile" not in ",".join(mounts.mount_table()[-1].super_options)


def test_without_upper_it_is_readonly(tmp_path: Path, private_mounts: None, mounter: Mounter) -> None:
    ground = Ground(tmp_path, 2)
    mounter(ground.target, lower=ground.lower, upper=None, work=None)
    with pytest.raises(OSError, match="Read-only"):
        Path(ground.target, "x").touch()


def test_single_layer_without_upper(tmp_path: Path, private_mounts: None) -> None:
    ground = Ground(tmp_path, 1)
    mounts.overlay(ground.target, lower=ground.lower, upper=None, work=None)
    assert Path(ground.target, "f0").exists()
    with pytest.raises(OSError, match="Read-only"):
        Path(ground.target, "x").touch()


def test_errors_name_target_and_layer(tmp_path: Path, private_mounts: None) -> None:
    ground = Ground(tmp_path, 1)
    before = os.listdir("/proc/self/fd")
    missing = [*ground.lower, f"{ground.root}/missing"]
    with pytest.raises(FileNotFoundError, match=r"overlay: .*/missing") as caught:
        mounts.overlay(ground.target, lower=missing, upper=ground.upper, work=ground.work)
    assert caught.value.filename == ground.target
    with pytest.raises(FileNotFoundError, match="nowhere"):
        mounts.overlay("/nowhere", lower=ground.lower, upper=ground.upper, work=ground.work)
    for bad in ({"lower": []}, {"lower": ground.lower, "work": None}, {"lower": ground.lower, "upper": None}):
        with pytest.raises(OSError, match="both or none"):
            mounts.overlay(ground.target, **({"upper": ground.upper, "work": ground.work} | bad))
    assert not mounts.is_mountpoint(ground.target)
    assert os.listdir("/proc/self/fd") == before


@pytest.fixture
def user_namespace() -> Iterator[int]:
    """The descriptor of one whose root is the node's 100000."""
    with subprocess.Popen(["unshare", "--user", "sleep", "60"]) as holder:
        try:
            own = os.stat("/proc/self/ns/user").st_ino
            while os.stat(f"/proc/{holder.pid}/ns/user").st_ino == own:
                time.sleep(0.005)
            for kind in ("uid", "gid"):
                Path(f"/proc/{holder.pid}/{kind}_map").write_text("0 100000 65536")
            user = os.open(f"/proc/{holder.pid}/ns/user", os.O_RDONLY)
        finally:
            holder.kill()
    yield user
    os.close(user)


@pytest.mark.parametrize("detached", [True, False], ids=["detached", "before Linux 6.15"])
def test_idmapped_layers(
    tmp_path: Path, private_mounts: None, user_namespace: int, detached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = Ground(tmp_path, 3)
    if not detached:
        monkeypatch.setattr(overlay, "_idmapped", lambda *_: "/proc/self/no-such-file")
        monkeypatch.setattr(overlay, "appends_layers", lambda: False)
    mounts.overlay(ground.target, lower=ground.lower, upper=ground.upper, work=ground.work, idmap_fd=user_namespace)
    assert not list(tmp_path.glob(".layers-*"))
    info = os.stat(f"{ground.target}/who")
    assert (info.st_uid, info.st_gid) == (100000, 100000)
    assert os.stat(f"{ground.lower[0]}/who").st_uid == 0


def test_many_layers_are_fast(tmp_path: Path, private_mounts: None) -> None:
    ground = Ground(tmp_path, 30)
    took = []
    for number in range(5):
        work = f"{ground.work}{number}"
        os.mkdir(work)
        begin = time.perf_counter()
        mounts.overlay(ground.target, lower=ground.lower, upper=ground.upper, work=work, volatile=False)
        took.append(time.perf_counter() - begin)
        mounts.unmount(ground.target)
    assert min(took) < 0.02


@pytest.mark.parametrize(
    ("takes", "appends"),
    [
        (lambda setting: True, False),  # Linux 6.1: judged when the filesystem is made
        (lambda setting: setting == "lowerdir", False),  # Linux 6.5
        (lambda setting: setting in ("lowerdir", "lowerdir+"), True),  # Linux 6.7
    ],
)
def test_old_kernels_are_told_by_what_they_take(
    monkeypatch: pytest.MonkeyPatch, takes: Callable[[str], bool], appends: bool
) -> None:
    def fsconfig_string(fs_fd: int, key: str, value: str) -> None:
        if not takes(key):
            raise OSError(errno.EINVAL, f"overlay: Unknown parameter '{key}'")

    monkeypatch.setattr(syscalls, "fsconfig_string", fsconfig_string)
    assert overlay.appends_layers.__wrapped__() is appends


def test_a_label_is_quoted_for_it_holds_commas() -> None:
    options = overlay._options(["/a", "/b"], "/u", "/w", volatile=True, context="u:r:t:s0:c1,c2")
    assert options == 'lowerdir=/a:/b,upperdir=/u,workdir=/w,volatile,context="u:r:t:s0:c1,c2"'
