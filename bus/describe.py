"""A contract as JSON Schema: what a domain takes and tells, for people and programs."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from bus import subjects
from bus.contract import Contract
from bus.messages import Command, Event, tag

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def describe(contract: Contract) -> Schema:
    """Everything that the domain takes from outside and tells, by name."""
    return {
        "domain": contract.domain,
        "stream": contract.stream,
        "commands": [
            {
                "name": tag(command),
                "aggregate": aggregate,
                "summary": summary(command),
                "subject": subjects.command(contract.domain, tag(command), "<id>"),
                "schema": command_schema(command),
            }
            for aggregate, group in contract.commands.items()
            for command in group
        ],
        "events": [
            {
                "name": tag(event),
                "aggregate": aggregate,
                "summary": summary(event),
                "subject": subjects.event(contract.domain, aggregate, "<id>", tag(event)),
                "dataversion": contract.dataversion(tag(event)),
                "schema": event_schema(event),
            }
            for aggregate, group in contract.events.items()
            for event in group
        ],
    }


def summary(message: type) -> str:
    """The first sentence of its docstring, empty where it has none of its own."""
    text = " ".join((message.__dict__.get("__doc__") or "").split())
    return text.partition(". ")[0].rstrip(".:")


def command_schema(command: type[Command]) -> Schema:
    """Of a body as it is sent: name and id are part of the subject and may be left out."""
    schema = schema_of(command)
    relax(schema)
    return schema


def event_schema(event: type[Event]) -> Schema:
    """Of the member `data` of the envelope."""
    return schema_of(event)


def schema_of(shape: type) -> Schema:
    """JSON Schema that stands alone, with what it refers to inside."""
    (schema,), parts = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    own = parts.pop(schema["$ref"].rpartition("/")[2])
    whole: Schema = tidy({"$schema": DIALECT, **own, **({"$defs": parts} if parts else {})})
    return whole


def relax(command: Schema) -> None:
    """msgspec lists a struct's tag as required, which decoding does not need; and the
    default of `id` only says that it may be left out."""
    spare = (Command.__struct_config__.tag_field, "id")
    command["required"] = [name for name in command["required"] if name not in spare]
    if not command["required"]:
        del command["required"]
    command["properties"]["id"].pop("default", None)


def tidy(schema: Any) -> Any:
    """Descriptions without the indentation that docstrings have in the source."""
    match schema:
        case dict():
            return {
                key: inspect.cleandoc(value)
                if key == "description" and isinstance(value, str)
                else tidy(value)
                for key, value in schema.items()
            }
        case list():
            return [tidy(item) for item in schema]
        case _:
            return schema
