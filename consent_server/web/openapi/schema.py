"""How /openapi.json says what a text, a number, a list or an object is (JSON Schema 2020-12)."""

from __future__ import annotations

from typing import Any

from ...site import CATEGORIES, OPTIONAL

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """Return a reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def thing(properties: dict[str, Schema], /, *optional: str, closed: bool = True) -> Schema:
    """Return the schema of an object.

    Args:
        properties: its parts, by name.
        optional: the names of those that may be left out.
        closed: whether it has no others.
    """
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties} | (
        {"additionalProperties": False} if closed else {}
    )


def each(schema: Schema) -> Schema:
    """Return the schema of an object whose parts, whatever their names, are like this."""
    return {"type": "object", "additionalProperties": schema}


def some(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def one(*values: str) -> Schema:
    """Return the schema of one of these texts."""
    return {"enum": [*values]}


def nullable(kind: str) -> Schema:
    """Return the schema of a text or number that may be null."""
    return {"type": [kind, "null"]}


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
DATE: Schema = {"type": "string", "format": "date"}
SECONDS: Schema = {"type": "integer", "description": "Seconds since 1970."}
LANGUAGE: Schema = {"type": "string", "pattern": "^[a-z]{2,3}$"}
NOTICE_HASH: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"}
ALLOWED = some(one(*OPTIONAL))
CATEGORY = one(*CATEGORIES)
