"""Makes the Python stubs of every proto file below orlop/. Run by hatchling when the package is built, and as a script:

    python runtime/build_hook.py           make the stubs that are missing or older than their proto file
    python runtime/build_hook.py --force   make them all

Stubs are never committed, for generated code refuses a protobuf older than its generator's. gRPC's own stubs are not
made: orlop.api.wire builds handlers and clients from the descriptors, and ttrpc's client needs none.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # as a script, where hatchling is not installed
    BuildHookInterface = object  # type: ignore[assignment,misc]  # stands in for a class that is not needed then

ROOT = Path(__file__).resolve().parent
PACKAGE = "orlop"
SUFFIXES = ("_pb2.py", "_pb2.pyi")


class StubsBuildHook(BuildHookInterface):  # type: ignore[type-arg,unused-ignore]  # generic only for its configuration
    """Hatchling's hook: wheels carry the stubs, editable installs find them in the tree, sdists lack them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        make_stubs(force=True)
        build_data["artifacts"] += [f"/runtime/{PACKAGE}/**/*{suffix}" for suffix in SUFFIXES]


def make_stubs(*, force: bool = False) -> list[Path]:
    """Make the stubs that are missing or stale; returns the proto files they were made from."""
    protos = sorted(path for path in (ROOT / PACKAGE).rglob("*.proto") if force or _is_stale(path))
    if protos:
        _compile(protos)
    return protos


def _is_stale(proto: Path) -> bool:
    stubs = [proto.with_name(proto.stem + suffix) for suffix in SUFFIXES]
    return not all(stub.exists() and stub.stat().st_mtime >= proto.stat().st_mtime for stub in stubs)


def _compile(protos: list[Path]) -> None:
    # A run of its own in a temporary directory, then renames: two test runs at once never see half a file.
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"  # google/protobuf/any.proto and others
    with tempfile.TemporaryDirectory(dir=ROOT / PACKAGE, prefix=".stubs-") as out:
        argv = ["protoc", f"-I{ROOT}", f"-I{well_known}", f"--python_out={out}", f"--pyi_out={out}"]
        if protoc.main([*argv, *(str(path) for path in protos)]) != 0:
            raise SystemExit("protoc failed; its messages are above")
        for made in sorted(Path(out).rglob("*_pb2.py*")):
            os.replace(made, ROOT / made.relative_to(out))


if __name__ == "__main__":
    for name in make_stubs(force="--force" in sys.argv[1:]):
        print(f"made stubs of {name.relative_to(ROOT)}")
