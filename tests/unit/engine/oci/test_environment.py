"""Whose environment variable wins."""

import pytest

from orlop.engine.oci.environment import DEFAULT_PATH, environment
from orlop.model.container import KeyValue
from orlop.model.errors import InvalidArgument
from orlop.model.image import ImageConfig
from orlop.model.pod import PinnedNamespaces, PodSandboxConfig
from tests.unit.engine.oci.samples import inputs


def variables(**changes: object) -> dict[str, str]:
    entries = environment(inputs(**changes))  # type: ignore[arg-type]  # a test's short cut
    return dict(entry.split("=", 1) for entry in entries)


def test_defaults() -> None:
    assert variables() == {"PATH": DEFAULT_PATH, "HOSTNAME": "web", "HOME": "/home/a"}
    assert variables(config={"tty": True})["TERM"] == "xterm"
    nodes = {"config": PodSandboxConfig(), "namespaces": PinnedNamespaces()}
    assert variables(pod=nodes)["HOSTNAME"] == "node-1"


def test_a_pod_without_a_name_is_called_as_in_its_namespace() -> None:
    own = {"id": "0123456789abcdef", "config": PodSandboxConfig(), "namespaces": PinnedNamespaces(uts="/ns/uts")}
    assert variables(pod=own)["HOSTNAME"] == "0123456789ab"


def test_the_later_source_wins() -> None:
    found = variables(
        settings={"default_env": {"A": "config", "B": "config", "C": "config"}},
        image=ImageConfig(env=("B=image", "C=image", "PATH=/image", "EMPTY=", "BARE")),
        config={"envs": (KeyValue(key="C", value=b"pod"), KeyValue(key="HOME", value=b""))},
    )
    assert (found["A"], found["B"]) == ("config", "image")
    assert (found["C"], found["PATH"], found["EMPTY"], found["BARE"]) == ("pod", "/image", "", "")
    assert found["HOME"] == "/home/a"


def test_values_may_hold_anything_but_nul() -> None:
    envs = (KeyValue(key="X", value=b"a=b\nc\xff"),)
    assert variables(config={"envs": envs})["X"] == "a=b\nc�"
    with pytest.raises(InvalidArgument, match="'X'"):
        variables(config={"envs": (KeyValue(key="X", value=b"\0"),)})


@pytest.mark.parametrize("key", ["", "A=B", "A\0"])
def test_malformed_names_are_refused(key: str) -> None:
    with pytest.raises(InvalidArgument, match="malformed"):
        variables(config={"envs": (KeyValue(key=key),)})


def test_a_malformed_entry_of_the_image_is_named() -> None:
    with pytest.raises(InvalidArgument, match="'=x'"):
        variables(image=ImageConfig(env=("=x",)))
