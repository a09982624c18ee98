"""Status: conditions, handlers, and JSON for who asks for more."""

import dataclasses
import json

from orlop.engine.cni.current import Readiness
from orlop.engine.oci.runtime import RuntimeFeatures
from orlop.services.runtime_status import status
from tests.fakes.deck import FakeNode


async def test_both_conditions_are_told(node: FakeNode) -> None:
    told = status(node.deck, False)
    assert [(each.type, each.status) for each in told.status.conditions] == [
        ("RuntimeReady", True),
        ("NetworkReady", True),
    ]
    assert told.info == {}
    assert told.features.supplemental_groups_policy
    node.network.ready = Readiness(False, "NoConfig", "put a file into /etc/cni/net.d")
    network = status(node.deck, False).status.conditions[1]
    assert (network.status, network.reason, network.message) == (False, "NoConfig", "put a file into /etc/cni/net.d")


async def test_handlers_with_the_default_one_under_the_empty_name_too(node: FakeNode) -> None:
    runc = node.deck.handlers["runc"]
    node.deck.handlers["crun"] = dataclasses.replace(
        runc, name="crun", features=RuntimeFeatures(recursive_read_only_mounts=True)
    )
    told = [(each.name, each.features.recursive_read_only_mounts) for each in status(node.deck, False).runtime_handlers]
    assert told == [("", False), ("crun", True), ("runc", False)]


async def test_more_of_the_runtime(node: FakeNode) -> None:
    info = {name: json.loads(text) for name, text in status(node.deck, True).info.items()}
    assert info["config"] == {"daemon": {}}
    assert info["runtime"]["cgroupDriver"] == "CGROUPFS"
    assert info["runtime"]["handlers"]["runc"]["path"] == str(node.runtime.path)
    assert (info["network"]["name"], info["network"]["ready"]) == ("net", True)


async def test_a_configuration_that_is_not_shown(node: FakeNode) -> None:
    node.deck.settings = dataclasses.replace(node.settings, shown="")
    assert json.loads(status(node.deck, True).info["config"]) == {}
