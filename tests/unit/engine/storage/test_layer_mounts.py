"""Mounts of packed layers: once, whoever needs them at the same time."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from orlop.engine.storage import layer_mounts
from orlop.engine.storage.erofs_write import TAR_AT, ImageWriter
from orlop.engine.storage.layer_mounts import LayerMounts
from orlop.engine.storage.layer_tree import LayerTree

pytestmark = pytest.mark.root


def test_two_that_need_a_layer_at_once_both_get_it(tmp_path, monkeypatch):
    if reason := layer_mounts.why_not(str(tmp_path)):
        pytest.skip(reason)
    image = tmp_path / "layer.erofs"
    with image.open("xb+") as file:
        ImageWriter(file.fileno(), LayerTree(base=True), TAR_AT).write()
    both, original = threading.Barrier(2, timeout=60), layer_mounts._is_mounted
    looked = threading.local()

    def is_mounted(path):
        found = original(path)
        if not hasattr(looked, "once"):
            looked.once = True
            both.wait()  # neither mounts it before both have seen that it is not mounted
        return found

    mounted = LayerMounts(str(tmp_path / "run"))
    try:
        with monkeypatch.context() as patched, ThreadPoolExecutor(2) as threads:
            patched.setattr(layer_mounts, "_is_mounted", is_mounted)
            shown = [threads.submit(mounted.shown, "a", str(image)) for _ in range(2)]
            assert {each.result() for each in shown} == {str(tmp_path / "run" / "layers" / "a")}
        assert stat.S_IMODE(os.stat(tmp_path / "run" / "layers" / "a").st_mode) != 0o700, "the layer's own root is seen"
    finally:
        mounted.hide("a")
    assert mounted.names() == []
