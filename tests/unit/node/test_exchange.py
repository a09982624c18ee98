"""A declaration goes to each provisioner's form and back without a loss; what cannot go is refused."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from orlop.cli.node import node
from orlop.model.errors import InvalidArgument
from orlop.node import nix
from orlop.node.exchange import from_ansible, from_nix, to_ansible, to_json, to_nix

TEXT = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | some.sampled_from(
    ["${x}", "$${x}", "''", "a\\b", "if", "no", "1e3", "é\U0001f600", "a\r\nb"]
)
NUMBER = some.integers(-(2**63) + 1, 2**63 - 1) | some.integers(-999, 999).map(lambda n: n / 8)
VALUE = some.recursive(
    TEXT | NUMBER | some.booleans() | some.none(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3),
)
NAMES = some.sampled_from(
    ["kubernetes", "daemon", "default_handler", "runtime_classes", "handlers", "network", "host", "member"]
)
DECLARATION = some.dictionaries(NAMES, VALUE, max_size=5)


@pytest.fixture(autouse=True, scope="module")
def _a_store_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """nix-instantiate writes nowhere outside of the test's directory."""
    place = str(tmp_path_factory.mktemp("nix"))
    kept = dict(os.environ)
    os.environ.update(NIX_REMOTE="dummy://", NIX_STATE_DIR=place, NIX_CONF_DIR=place, HOME=place)
    yield
    os.environ.clear()
    os.environ.update(kept)


@given(DECLARATION)
def test_ansible_and_back(data: dict[str, Any]) -> None:
    assert from_ansible(to_ansible(data)) == data


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.lists(DECLARATION, min_size=25, max_size=40))
def test_nix_and_back(many: list[dict[str, Any]]) -> None:
    # Many at once, for starting Nix is what takes time.
    argv = ["nix-instantiate", "--eval", "--strict", "--json", "-"]
    text = f"[ {' '.join(f'({to_nix(data)})' for data in many)} ]"
    done = subprocess.run(argv, input=text, check=True, capture_output=True, text=True)
    names = {"defaultHandler": "default_handler", "runtimeClasses": "runtime_classes", "settings": "daemon"}
    for data, read in zip(many, json.loads(done.stdout), strict=True):
        options = read["services"]["orlop"]
        assert {names.get(name, name): value for name, value in options.items()} == {"enable": True, **data}


def test_a_module_is_read_as_it_was_written() -> None:
    data = {
        "default_handler": "crun",
        "daemon": {"container": {"stop_timeout": 2.5}},
        "host": {"sysctls": {"a.b": None}},
    }
    assert from_nix(to_nix(data)) == data
    assert from_nix('{ ... }: { services.orlop = { enable = true; defaultHandler = "crun"; }; }') == {
        "default_handler": "crun"
    }


@pytest.mark.parametrize("value", ["a\0b", 2**63, 1.2345678, float("inf")])
def test_what_nix_cannot_say_or_would_round_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument, match="Nix has no form for"):
        to_nix({"daemon": {"x": value}})


@pytest.mark.parametrize("text", ["{}", "orlop_node: 3", "- a", ": ["])
def test_variables_without_the_node_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"orlop_node|no YAML"):
        from_ansible(text)


@pytest.mark.parametrize("text", ["{ }", "{ services = { }; }", "{ services.orlop = 1; }", "{", 'throw "x"'])
def test_modules_without_the_node_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"services\.orlop|cannot evaluate"):
        from_nix(text)


def test_names_that_are_words_of_the_language_are_quoted() -> None:
    assert nix.dumps({"if": 1, "a-b": [-1, "$"]}) == '{\n  "if" = 1;\n  a-b = [\n    (-1)\n    "\\$"\n  ];\n}'


def test_the_command_turns_one_into_the_other(tmp_path: Path) -> None:
    data = {"kubernetes": "1.36", "daemon": {"daemon": {"log_level": "debug"}}}
    form, text = "json", to_json(data)
    for target in ("ansible", "nix", "json"):
        source = tmp_path / target
        source.write_text(text)
        result = CliRunner().invoke(node, ["export", "--from", form, "--format", target, str(source)])
        assert result.exit_code == 0, result.output
        form, text = target, result.output
    assert text == to_json(data)


def test_the_command_refuses_a_wrong_declaration() -> None:
    result = CliRunner().invoke(node, ["export", "--format", "nix"], input='{"hots": {}}')
    assert result.output == "Error: hots: there is no such key; did you mean host?\n"
