"""The declaration's JSON schema, with what each field means taken from the docstring beneath it in the source."""

from typing import Any

import msgspec

from orlop.config import documentation
from orlop.node import artefacts, declaration, hardening
from orlop.node.declaration import OWN_PLACE, Declaration
from orlop.node.kubernetes import cluster, kubelet
from orlop.node.kubernetes.cluster import Member
from orlop.node.networks import providers


def json_schema() -> dict[str, Any]:
    """JSON schema of a declaration; `daemon` takes the daemon's whole configuration, each name optional."""
    (top,), own = msgspec.json.schema_components([Declaration], ref_template="#/$defs/{name}")
    meanings = _meanings()
    for name, definition in own.items():
        for key, field in definition.get("properties", {}).items():
            if text := meanings.get((name, key)) or meanings.get((Member.__name__, key)):
                field["description"] = text
    definitions = {**own, **documentation.json_schema()["$defs"]}
    for name in OWN_PLACE:
        definitions["Config"]["properties"].pop(name)
    daemon = definitions["Declaration"]["properties"]["daemon"]
    daemon.pop("type")
    daemon["$ref"] = "#/$defs/Config"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}


def _meanings() -> dict[tuple[str, str], str]:
    """Docstrings of the fields in every module that has a part of the declaration."""
    modules = (declaration, artefacts, hardening, providers, cluster, kubelet)
    return {key: text for module in modules for key, text in documentation.docs(module).items()}
