"""The stubs' maker: makes what is missing or stale, and leaves the rest alone."""

import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

RUNTIME = Path(__file__).parents[2] / "runtime"


@pytest.fixture
def hook(tmp_path: Path) -> ModuleType:
    """The hook, over a copy of two proto files in a tree of its own."""
    protos = tmp_path / "orlop" / "api" / "v1"
    protos.mkdir(parents=True)
    for name in ("values.proto", "security.proto"):
        shutil.copy(RUNTIME / "orlop" / "api" / "v1" / name, protos)
    spec = importlib.util.spec_from_file_location("build_hook", RUNTIME / "build_hook.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module).update(ROOT=tmp_path, PROTOS=protos)
    return module


def test_makes_what_is_missing_once(hook: ModuleType) -> None:
    assert [path.name for path in hook.make_stubs()] == ["security.proto", "values.proto"]
    assert "class UserNamespace" in (hook.PROTOS / "security_pb2.pyi").read_text()
    assert (hook.PROTOS / "values_pb2.py").exists()
    assert hook.make_stubs() == []
    assert sorted(path.suffix for path in hook.PROTOS.iterdir() if path.is_dir()) == []


def test_makes_again_what_is_older_than_its_proto(hook: ModuleType) -> None:
    hook.make_stubs()
    newer = (hook.PROTOS / "values_pb2.py").stat().st_mtime + 5
    os.utime(hook.PROTOS / "values.proto", (newer, newer))
    assert [path.name for path in hook.make_stubs()] == ["values.proto"]


def test_a_proto_with_an_error_leaves_the_old_stubs(hook: ModuleType) -> None:
    hook.make_stubs()
    before = (hook.PROTOS / "values_pb2.py").read_bytes()
    (hook.PROTOS / "values.proto").write_text("this is no proto file")
    with pytest.raises(SystemExit, match="protoc failed"):
        hook.make_stubs(force=True)
    assert (hook.PROTOS / "values_pb2.py").read_bytes() == before
