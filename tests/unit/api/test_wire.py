"""The generated descriptors against the table of wire facts: each name, number, type, label and stream."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from orlop.api import wire
from orlop.api.v1 import cri_pb2

TABLE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "cri-v1-wire.json").read_text())
PROTOS = Path(wire.__file__).parent / "v1"

SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
}


def all_messages() -> dict[str, Descriptor]:
    """Every message of the package but the entries of maps, by name without the package."""
    pool = descriptor_pool.Default()
    files = [pool.FindFileByName(f"orlop/api/v1/{path.name}") for path in sorted(PROTOS.glob("*.proto"))]
    assert all(file.package == TABLE["package"] for file in files)
    return {name: message for file in files for name, message in file.message_types_by_name.items()}


def all_enums() -> dict[str, EnumDescriptor]:
    """Every enum, nested ones as "Message.Enum"."""
    pool = descriptor_pool.Default()
    enums: dict[str, EnumDescriptor] = {}
    for path in sorted(PROTOS.glob("*.proto")):
        enums |= pool.FindFileByName(f"orlop/api/v1/{path.name}").enum_types_by_name
    for message in all_messages().values():
        enums |= {f"{message.name}.{enum.name}": enum for enum in message.enum_types}
    return enums


def type_name(field: FieldDescriptor) -> str:
    """The field's type as the table writes it."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = (field.message_type.fields_by_name[part] for part in ("key", "value"))
        return f"map<{type_name(key)}, {type_name(value)}>"
    named = field.message_type or field.enum_type
    return named.full_name.removeprefix("runtime.v1.") if named is not None else SCALARS[field.type]


def as_table_row(field: FieldDescriptor) -> dict[str, Any]:
    """The field as the table writes it, without "since", which the wire does not carry."""
    row: dict[str, Any] = {"number": field.number, "name": field.name, "type": type_name(field)}
    if field.is_repeated and not row["type"].startswith("map<"):
        row["label"] = "repeated"
    options = field.GetOptions()
    return row | {name: True for name in ("deprecated", "debug_redact") if getattr(options, name)}


def test_the_table_is_whole() -> None:
    assert len(TABLE["messages"]) == 175
    assert sum(len(rpcs) for rpcs in TABLE["services"].values()) == 43


def test_no_message_is_missing_or_added() -> None:
    assert sorted(all_messages()) == sorted(TABLE["messages"])


@pytest.mark.parametrize("name", sorted(TABLE["messages"]))
def test_each_field_is_as_in_the_table(name: str) -> None:
    expected = [
        {key: value for key, value in row.items() if key != "since"} for row in TABLE["messages"][name]["fields"]
    ]
    rows = [as_table_row(field) for field in all_messages()[name].fields]
    assert sorted(rows, key=lambda row: row["number"]) == sorted(expected, key=lambda row: row["number"])


def test_enums_are_as_in_the_table() -> None:
    assert {name: {v.name: v.number for v in enum.values} for name, enum in all_enums().items()} == TABLE["enums"]


def test_services_and_streams_are_as_in_the_table() -> None:
    ours = {
        service.name: [
            {
                "rpc": method.name,
                "request": method.input_type.name,
                "response": method.output_type.name,
                "server_streaming": method.server_streaming,
                "client_streaming": method.client_streaming,
            }
            for method in service.methods
        ]
        for service in cri_pb2.DESCRIPTOR.services_by_name.values()
    }
    defaults = {"server_streaming": False, "client_streaming": False}
    expected = {
        service: [defaults | {key: value for key, value in row.items() if key != "since"} for row in rows]
        for service, rows in TABLE["services"].items()
    }
    assert ours == expected


def test_methods_hold_every_rpc_under_its_own_name() -> None:
    assert len(wire.METHODS) == 43
    assert wire.METHODS["Version"].path == "/runtime.v1.RuntimeService/Version"
    assert wire.METHODS["StreamImages"].streams
    assert not wire.METHODS["ListImages"].streams


def test_a_handler_may_answer_with_encoded_bytes() -> None:
    message = wire.METHODS["Version"].response(version="0.1.0")
    encoded = wire.serialize(message)
    assert wire.serialize(encoded) is encoded
    assert wire.parser(type(message))(encoded) == message
