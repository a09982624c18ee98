"""The two ways to keep a layer, for tests that hold for both."""

import pytest

from orlop.engine.storage.layer_mounts import why_not
from tests.parts import image_store


@pytest.fixture(params=["unpacked", "erofs"])
def kind(request, tmp_path, monkeypatch):
    """How new layers of stores that the test opens are kept."""
    if request.param == "erofs" and (reason := why_not(str(tmp_path))):
        pytest.skip(reason)
    monkeypatch.setattr(image_store, "DEFAULTS", {"packed_layers": request.param == "erofs"})
    return request.param
