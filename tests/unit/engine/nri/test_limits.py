"""linux.resources between messages and JSON: there and back, and put together from several plugins."""

from typing import Any

import pytest
from google.protobuf import json_format

from orlop.engine.nri import limits
from orlop.engine.nri.owners import Owners
from orlop.engine.nri.updates import Updates, evictions
from orlop.engine.nri.v1.changes_pb2 import ContainerEviction
from orlop.engine.nri.v1.values_pb2 import LinuxResources
from orlop.model.errors import FailedPrecondition, InvalidArgument
from tests.unit.engine.nri.specs import update

WHOLE: dict[str, Any] = {
    "memory": {
        "limit": 1,
        "reservation": 2,
        "swap": 3,
        "kernel": 4,
        "kernelTCP": 5,
        "swappiness": 6,
        "disableOOMKiller": True,
        "useHierarchy": False,
    },
    "cpu": {
        "shares": 7,
        "quota": -1,
        "period": 9,
        "realtimeRuntime": 10,
        "realtimePeriod": 11,
        "cpus": "0-1",
        "mems": "0",
    },
    "hugepageLimits": [{"pageSize": "2MB", "limit": 12}],
    "unified": {"memory.high": "13"},
    "pids": {"limit": 14},
}


def _parsed(**fields: Any) -> LinuxResources:
    return json_format.ParseDict(fields, LinuxResources())


def test_every_field_goes_there_and_back() -> None:
    assert limits.merged({}, limits.message(WHOLE), "10-x") == WHOLE


def test_device_rules_are_shown() -> None:
    rules = [{"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"}, {"allow": False, "access": "rwm"}]
    told = limits.message({"devices": rules}).devices
    assert (told[0].major.value, told[0].access, told[1].allow) == (1, "rw", False)
    assert told[0].HasField("minor") and not told[1].HasField("major")


def test_what_is_not_given_stays() -> None:
    there = {"cpu": {"shares": 5, "cpus": "0"}, "hugepageLimits": [{"pageSize": "1GB", "limit": 1}]}
    wanted = _parsed(cpu={"quota": {"value": 0}}, hugepage_limits=[{"page_size": "2MB", "limit": 2}])
    assert limits.merged(there, wanted, "10-x") == {
        "cpu": {"shares": 5, "cpus": "0", "quota": 0},
        "hugepageLimits": [{"pageSize": "1GB", "limit": 1}, {"pageSize": "2MB", "limit": 2}],
    }


@pytest.mark.parametrize(("there", "swap"), [({}, 100), ({"swap": 50}, 100), ({"swap": 200}, 200), ({"swap": -1}, -1)])
def test_swap_follows_a_new_limit_of_memory(there: dict[str, int], swap: int) -> None:
    merged = limits.merged({"memory": there}, _parsed(memory={"limit": {"value": 100}}), "10-x", swap=True)
    assert merged["memory"] == {"limit": 100, "swap": swap}


def test_updates_of_several_plugins_are_one_for_each_container() -> None:
    updates = Updates(Owners(), swap=False)
    updates.take([update("a", cpu={"shares": {"value": 1}}), update("b", pids={"limit": 5})], "10-x")
    updates.take([update("a", cpu={"quota": {"value": 2}}, ignore_failure=True)], "20-y")
    first, second = updates.result()
    assert (first.container_id, first.resources, first.plugins) == (
        "a",
        {"cpu": {"shares": 1, "quota": 2}},
        "10-x, 20-y",
    )
    assert not first.ignore_failure
    assert (second.container_id, second.resources) == ("b", {"pids": {"limit": 5}})
    assert [each.container_id for each in updates.messages()] == ["a", "b"]
    assert [each.container_id for each in updates.result(but="a")] == ["b"]


def test_updates_that_contradict_each_other_fail_unless_they_may() -> None:
    updates = Updates(Owners(), swap=False)
    updates.take([update("a", cpu={"shares": {"value": 1}})], "10-x")
    updates.take([update("a", cpu={"shares": {"value": 2}}, ignore_failure=True)], "20-y")
    assert updates.of("a") == {"cpu": {"shares": 1}}
    with pytest.raises(FailedPrecondition, match="10-x and 30-z both change cpu_shares of container a"):
        updates.take([update("a", cpu={"shares": {"value": 3}})], "30-z")


def test_a_container_cannot_be_updated_by_the_answer_about_itself() -> None:
    with pytest.raises(InvalidArgument, match="10-x updates container a, which the event is about"):
        Updates(Owners(), swap=False).take([update("a")], "10-x", not_for="a")


def test_given_limits_are_what_updates_build_on_and_are_no_update_of_their_own() -> None:
    updates = Updates(Owners(), swap=False, given={"a": {"cpu": {"shares": 9, "quota": 1}}})
    assert updates.result() == ()
    updates.take([update("a", cpu={"shares": {"value": 1}})], "10-x")
    assert updates.of("a") == {"cpu": {"shares": 1, "quota": 1}}


def test_evictions() -> None:
    (found,) = evictions([ContainerEviction(container_id="a", reason="hot")], "10-x")
    assert (found.container_id, found.reason, found.plugin) == ("a", "hot", "10-x")
