"""Who set what: conflicts with both names, removal before another value, and all adjustments as one."""

from typing import Any

import pytest
from google.protobuf import json_format

from orlop.engine.nri.claims import claim, combine
from orlop.engine.nri.owners import Field, Owners
from orlop.engine.nri.v1.changes_pb2 import ContainerAdjustment
from orlop.model.errors import FailedPrecondition
from tests.unit.engine.nri.specs import adjustment

SAME: list[dict[str, Any]] = [
    {"annotations": {"k": "v"}},
    {"mounts": [{"destination": "/m"}]},
    {"env": [{"key": "E", "value": "1"}]},
    {"args": ["x"]},
    {"rlimits": [{"type": "RLIMIT_CORE"}]},
    {"CDI_devices": [{"name": "v/c=d"}]},
    {"linux": {"devices": [{"path": "/dev/d", "type": "c"}]}},
    {"linux": {"cgroups_path": "/x"}},
    {"linux": {"oom_score_adj": {"value": 0}}},
    {"linux": {"io_priority": {}}},
    {"linux": {"seccomp_policy": {}}},
    {"linux": {"namespaces": [{"type": "-pid"}]}},
    {"linux": {"sysctl": {"a.b": "1"}}},
    {"linux": {"net_devices": {"eth0": {}}}},
    {"linux": {"scheduler": {}}},
    {"linux": {"rdt": {"clos_id": {"value": "x"}}}},
    {"linux": {"memory_policy": {}}},
    {"linux": {"resources": {"memory": {"limit": {"value": 0}}}}},
    {"linux": {"resources": {"cpu": {"cpus": "0"}}}},
    {"linux": {"resources": {"hugepage_limits": [{"page_size": "2MB"}]}}},
    {"linux": {"resources": {"unified": {"memory.high": "1"}}}},
    {"linux": {"resources": {"pids": {"limit": 1}}}},
]


@pytest.mark.parametrize("fields", SAME, ids=lambda fields: str(fields)[:50])
def test_two_plugins_cannot_set_the_same(fields: dict[str, Any]) -> None:
    owners = Owners()
    claim(owners, "c", adjustment(**fields), "10-a")
    claim(owners, "other", adjustment(**fields), "20-b")
    with pytest.raises(FailedPrecondition, match=r"10-a and 20-b both change .* of container c"):
        claim(owners, "c", adjustment(**fields), "20-b")


def test_hooks_are_added_up() -> None:
    owners = Owners()
    for plugin in ("10-a", "20-b"):
        claim(owners, "c", adjustment(hooks={"prestart": [{"path": "/h"}]}), plugin)
    assert owners.message().owners["c"].simple == {Field.hooks: "10-a,20-b"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"env": [{"key": "E", "value": "1"}]}, {"env": [{"key": "-E"}, {"key": "E", "value": "2"}]}),
        ({"annotations": {"k": "1"}}, {"annotations": {"-k": "", "k": "2"}}),
        ({"mounts": [{"destination": "/m"}]}, {"mounts": [{"destination": "-/m"}, {"destination": "/m"}]}),
        ({"args": ["x"]}, {"args": ["", "y"]}),
        (
            {"linux": {"rdt": {"clos_id": {"value": "x"}}}},
            {"linux": {"rdt": {"remove": True, "clos_id": {"value": "y"}}}},
        ),
    ],
)
def test_what_is_removed_first_may_be_set_by_its_remover_alone(first: dict[str, Any], second: dict[str, Any]) -> None:
    owners = Owners()
    claim(owners, "c", adjustment(**first), "10-a")
    claim(owners, "c", adjustment(**second), "20-b")
    with pytest.raises(FailedPrecondition, match="20-b and 30-c"):
        claim(owners, "c", adjustment(**first), "30-c")


def test_what_was_only_removed_is_not_for_others_to_set() -> None:
    owners = Owners()
    claim(owners, "c", adjustment(env=[{"key": "E", "value": "1"}]), "10-a")
    claim(owners, "c", adjustment(env=[{"key": "-E"}]), "20-b")
    with pytest.raises(FailedPrecondition, match="20-b and 30-c"):
        claim(owners, "c", adjustment(env=[{"key": "E", "value": "1"}]), "30-c")


def test_owners_are_told_by_field_and_key() -> None:
    owners = Owners()
    claim(owners, "c", adjustment(env=[{"key": "E", "value": "1"}], args=["x"]), "10-a")
    told = json_format.MessageToDict(owners.message(), preserving_proto_field_name=True)
    assert told == {
        "owners": {"c": {"simple": {"7": "10-a"}, "compound": {"6": {"owners": {"E": "10-a"}}}}},
    }


def test_adjustments_are_combined_with_the_last_word_of_each_key() -> None:
    everything = ContainerAdjustment()
    combine(everything, adjustment(env=[{"key": "E", "value": "1"}], args=["a"], annotations={"k": "1", "l": "1"}))
    combine(everything, adjustment(env=[{"key": "-E"}, {"key": "F", "value": "2"}], args=["", "b"]))
    combine(everything, adjustment(annotations={"-k": ""}, linux={"oom_score_adj": {"value": 3}}))
    assert everything == adjustment(
        env=[{"key": "-E"}, {"key": "F", "value": "2"}],
        args=["", "b"],
        annotations={"-k": "", "l": "1"},
        linux={"oom_score_adj": {"value": 3}},
    )
