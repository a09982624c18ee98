"""The JSON schema: complete, described, and one with what declare accepts."""

import json

from orlop.node.schema import json_schema


def test_every_field_says_what_it_means() -> None:
    schema = json_schema()
    declared = schema["$defs"]["Declaration"]["properties"]
    assert all("description" in field for field in declared.values())
    assert schema["$defs"]["Bridge"]["properties"]["firewall"]["description"].startswith("Accept pods' traffic")


def test_daemon_settings_are_the_daemons_own_without_what_has_a_place_at_the_top() -> None:
    schema = json_schema()
    assert schema["$defs"]["Declaration"]["properties"]["daemon"]["$ref"] == "#/$defs/Config"
    assert "registries" in schema["$defs"]["Config"]["properties"]
    assert "handlers" not in schema["$defs"]["Config"]["properties"]


def test_it_is_json() -> None:
    assert json.loads(json.dumps(json_schema()))["$ref"] == "#/$defs/Declaration"
