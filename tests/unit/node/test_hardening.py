"""What a machine is denied: each item alone, and nothing where nothing is declared."""

from typing import Any

import pytest
import yaml

from orlop.node import hardening, host
from orlop.node.declaring import declare
from orlop.node.plan import plan
from orlop.node.render import render

ITEMS = hardening.Hardening.__struct_fields__
WORKER = {"role": "worker", "discovery_file": "/etc/kubernetes/discovery.conf"}


def rendered(items: dict[str, bool], **more: Any) -> dict[str, tuple[str, str]]:
    data = {"member": WORKER, **more, "host": {"hardening": items}}
    return {file.path: (file.mode, file.content) for file in render(declare(data))}


@pytest.mark.parametrize("item", ITEMS)
def test_each_item_does_something_and_is_off_by_default(item: str) -> None:
    assert rendered({}) == rendered({item: False}) != rendered({item: True})
    assert plan(declare({"host": {"hardening": {item: True}}})).hardened == [item]
    assert plan(declare({})).hardened == []


@pytest.mark.parametrize(("item", "values"), hardening.SYSCTLS.items())
def test_parameters_are_the_items_own_and_a_declared_one_wins(item: str, values: dict[str, str]) -> None:
    assert item in ITEMS
    plain, hard = host.sysctls(declare({})), host.sysctls(declare({"host": {"hardening": {item: True}}}))
    assert {name: hard[name] for name in hard.keys() - plain.keys()} == values
    name = next(iter(values))
    declared = {"host": {"hardening": {item: True}, "sysctls": {name: 7}}}
    assert host.sysctls(declare(declared))[name] == "7"


def test_the_kubelets_answers_are_fields_of_its_own_and_lie_under_what_was_declared() -> None:
    assert declare({"member": WORKER, "kubelet": hardening.KUBELET})
    said = {"podPidsLimit": 9, "authentication": {"webhook": {"cacheTTL": "1m"}}}
    _, text = rendered({"kubelet": True}, kubelet=said)["/etc/kubernetes/kubelet.conf.d/10-orlop.conf"]
    found = yaml.safe_load(text)
    assert found["podPidsLimit"] == 9 and found["readOnlyPort"] == 0
    assert found["authentication"] == {
        "anonymous": {"enabled": False},
        "webhook": {"enabled": True, "cacheTTL": "1m"},
    }


def test_private_files_are_roots_alone() -> None:
    assert {mode for mode, _ in rendered({"private_files": True}).values()} == {"0600"}


def test_modules_are_blocked_by_name() -> None:
    _, text = rendered({"rare_modules": True})[hardening.BLOCKED]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == [f"install {name} /bin/false" for name in hardening.RARE_MODULES]


def test_the_drop_in_says_what_is_on_alone() -> None:
    assert hardening.DROP_IN not in rendered({"sysrq": True})
    _, text = rendered({"foreign_calls": True})[hardening.DROP_IN]
    assert text.endswith("[Service]\nSystemCallArchitectures=native\n")
