"""The CRI as one Kubernetes minor knows it: RPCs and message classes made of the table of wire facts.

    cri = Cri(socket, methods("1.35"))

speaks as a kubelet of that minor: a later field can be neither sent nor read, a later RPC cannot be called.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from orlop.api.wire import Method

TABLE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "cri-v1-wire.json").read_text())
MINORS = ("1.35", "1.36", "1.37")
PACKAGE = str(TABLE["package"])


def knows(minor: str, entry: dict[str, Any]) -> bool:
    """Whether an RPC, message or field of the table is in this minor."""
    return _number(entry.get("since", MINORS[0])) <= _number(minor)


def news(minor: str) -> list[str]:
    """RPCs, and fields of older messages as "Message.field", that came with this minor."""
    rpcs = [row["rpc"] for rows in TABLE["services"].values() for row in rows if row.get("since") == minor]
    fields = [
        f"{name}.{field['name']}"
        for name, message in TABLE["messages"].items()
        for field in message["fields"]
        if field.get("since") == minor and "since" not in message
    ]
    return sorted(rpcs) + sorted(fields)


@cache
def methods(minor: str) -> dict[str, Method]:
    """Every RPC that the minor has, by name."""
    pool = DescriptorPool()
    pool.Add(_file(minor))
    return {
        row["rpc"]: Method(
            service=f"{PACKAGE}.{service}",
            name=row["rpc"],
            request=GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{row['request']}")),
            response=GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{row['response']}")),
            streams=row.get("server_streaming", False),
        )
        for service, rows in TABLE["services"].items()
        for row in rows
        if knows(minor, row)
    }


def _number(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))


def _file(minor: str) -> FileDescriptorProto:
    file = FileDescriptorProto(name=f"cri-{minor}.proto", package=PACKAGE, syntax="proto3")
    messages = {
        name: file.message_type.add(name=name) for name, entry in TABLE["messages"].items() if knows(minor, entry)
    }
    for name, values in TABLE["enums"].items():
        outer, _, inner = name.rpartition(".")
        enum = messages[outer].enum_type.add(name=inner) if outer else file.enum_type.add(name=inner)
        _fill_enum(enum, values)
    for name, message in messages.items():
        for row in TABLE["messages"][name]["fields"]:
            if knows(minor, row):
                _add_field(message, row)
    return file


def _fill_enum(enum: EnumDescriptorProto, values: dict[str, int]) -> None:
    enum.options.allow_alias = len(set(values.values())) < len(values)
    for name, number in sorted(values.items(), key=lambda item: item[1]):
        enum.value.add(name=name, number=number)


def _add_field(message: DescriptorProto, row: dict[str, Any]) -> None:
    field = message.field.add(name=row["name"], number=row["number"], label=FieldDescriptorProto.LABEL_OPTIONAL)
    if row.get("label") == "repeated":
        field.label = FieldDescriptorProto.LABEL_REPEATED
    if row["type"].startswith("map<"):
        _add_map(message, field, *row["type"][4:-1].split(", "))
    else:
        _set_type(field, row["type"])


def _add_map(message: DescriptorProto, field: FieldDescriptorProto, key: str, value: str) -> None:
    words = "".join(part.capitalize() for part in field.name.split("_"))
    entry = message.nested_type.add(name=f"{words}Entry")
    entry.options.map_entry = True
    for number, (name, kind) in enumerate((("key", key), ("value", value)), start=1):
        _set_type(entry.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL), kind)
    field.label = FieldDescriptorProto.LABEL_REPEATED
    field.type = FieldDescriptorProto.TYPE_MESSAGE
    field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"


def _set_type(field: FieldDescriptorProto, kind: str) -> None:
    scalar = f"TYPE_{kind.upper()}"
    if scalar in FieldDescriptorProto.Type.keys():  # noqa: SIM118  an enum's wrapper is no dictionary
        field.type = FieldDescriptorProto.Type.Value(scalar)
        return
    field.type = FieldDescriptorProto.TYPE_ENUM if kind in TABLE["enums"] else FieldDescriptorProto.TYPE_MESSAGE
    field.type_name = f".{PACKAGE}.{kind}"
