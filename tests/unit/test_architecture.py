"""The layers of docs/ARCHITECTURE.md hold: the import contracts of pyproject.toml, and no circle anywhere."""

import graphlib

import grimp

from tests.lint.tools import check


def test_imports_keep_the_contracts() -> None:
    check("lint-imports", "--no-cache")


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("orlop", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # Raises CycleError, whose text lists the modules of the circle.
    graphlib.TopologicalSorter(imports).prepare()


def test_only_the_linux_layer_calls_c() -> None:
    graph = grimp.build_graph("orlop", cache_dir=None, include_external_packages=True)
    callers = graph.find_modules_that_directly_import("ctypes")
    assert {caller for caller in callers if not caller.startswith("orlop.linux")} == set()


def test_services_know_neither_grpc_nor_protobuf() -> None:
    graph = grimp.build_graph("orlop", cache_dir=None, include_external_packages=True)
    for package in ("grpc", "google"):
        users = graph.find_modules_that_directly_import(package) if package in graph.modules else set()
        # verify calls the daemon's socket as a kubelet would; cli starts the server. Shims and NRI speak protobuf.
        allowed = ("orlop.api", "orlop.cli", "orlop.verify")
        if package == "google":
            allowed += ("orlop.ttrpc", "orlop.engine.shim", "orlop.engine.nri")
        wrong = {user for user in users if not user.startswith(allowed)}
        assert wrong == set(), f"{package} is imported by {sorted(wrong)}"
