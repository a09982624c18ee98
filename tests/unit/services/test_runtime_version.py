"""Version."""

from orlop import __version__
from orlop.services.runtime_version import version


def test_version() -> None:
    told = version()
    assert (told.version, told.runtime_api_version) == ("0.1.0", "v1")
    assert (told.runtime_name, told.runtime_version) == ("orlop", __version__)
