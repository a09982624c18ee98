"""The collection's modules, imported from this checkout as Ansible does it on a node."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session", autouse=True)
def collection() -> Iterator[None]:
    """ansible_collections.orlop.node is this checkout, by Ansible's own loader."""
    loading = pytest.importorskip("ansible.utils.collection_loader._collection_finder")
    finder = loading._AnsibleCollectionFinder(paths=[str(ROOT / ".collections")])
    finder._install()
    yield
    finder._remove()


def load(name: str) -> ModuleType:
    """A module of the collection, such as modules.files."""
    return importlib.import_module(f"ansible_collections.orlop.node.plugins.{name}")
