"""The stubs' maker: makes what is missing or stale, and leaves the rest alone."""

import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

RUNTIME = Path(__file__).parents[2] / "runtime"
VALUES, SECURITY = "orlop/api/v1/values.proto", "orlop/api/v1/security.proto"
ENVELOPE = "orlop/ttrpc/envelope.proto"


@pytest.fixture
def hook(tmp_path: Path) -> ModuleType:
    """The hook, over copies of three proto files, of two folders, in a tree of its own."""
    for name in (VALUES, SECURITY, ENVELOPE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(RUNTIME / name, tmp_path / name)
    spec = importlib.util.spec_from_file_location("build_hook", RUNTIME / "build_hook.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module).update(ROOT=tmp_path)
    return module


def _stub(hook: ModuleType, proto: str, suffix: str = "_pb2.py") -> Path:
    path: Path = hook.ROOT / proto
    return path.with_name(path.stem + suffix)


def test_makes_what_is_missing_once(hook: ModuleType) -> None:
    assert [path.name for path in hook.make_stubs()] == ["security.proto", "values.proto", "envelope.proto"]
    assert "class UserNamespace" in _stub(hook, SECURITY, "_pb2.pyi").read_text()
    assert _stub(hook, VALUES).exists()
    assert _stub(hook, ENVELOPE).exists()
    assert hook.make_stubs() == []
    assert sorted(path.name for path in (hook.ROOT / "orlop").iterdir()) == ["api", "ttrpc"]


def test_makes_again_what_is_older_than_its_proto(hook: ModuleType) -> None:
    hook.make_stubs()
    newer = _stub(hook, VALUES).stat().st_mtime + 5
    os.utime(hook.ROOT / VALUES, (newer, newer))
    assert [path.name for path in hook.make_stubs()] == ["values.proto"]


def test_a_proto_with_an_error_leaves_the_old_stubs(hook: ModuleType) -> None:
    hook.make_stubs()
    before = _stub(hook, VALUES).read_bytes()
    (hook.ROOT / VALUES).write_text("this is no proto file")
    with pytest.raises(SystemExit, match="protoc failed"):
        hook.make_stubs(force=True)
    assert _stub(hook, VALUES).read_bytes() == before
