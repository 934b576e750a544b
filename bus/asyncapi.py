"""The whole mesh as one AsyncAPI 3 document.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from bus import subjects
from bus.contract import Contract
from bus.describe import Schema, relax, tidy
from bus.envelope import MEDIA_TYPE, Envelope
from bus.messages import tag
from bus.replies import AT_LEAST
from bus.view import View
from bus.views.telling import CHANGED, CURRENT, LIVE_ROW

ABOUT = (
    "Commands and queries are requests; the id of what they are about is the last token of "
    "the subject. A view's rows are told to whoever listens, whenever they change. Events are "
    "CloudEvents 1.0 in structured mode."
)

_placeholder = re.compile(r"\.\{(\w+)\}")

QUEUE = {"nats": {"queue": "q", "bindingVersion": "0.1.0"}}
PARAMETERS: Schema = {
    "id": {"description": "1 to 64 letters, digits, hyphens or underscores"},
    "key": {"description": "the row's key, where it is no more than one part of a subject"},
}
LIVE: Schema = {
    "summary": "The row as it is now, each time that it changes; null where it has gone",
    "contentType": "application/json",
    "headers": {
        "type": "object",
        "required": [LIVE_ROW, AT_LEAST],
        "properties": {
            LIVE_ROW: {
                "enum": [CURRENT, CHANGED],
                "description": "current: somebody has just begun to listen to this row",
            },
            AT_LEAST: {
                "type": "string",
                "description": "how far the view was, as in ordering=4711: a question with this "
                "header is answered from rows that are as far",
            },
        },
    },
    "payload": {"type": ["object", "null"]},
}
ANSWER: Schema = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string"},
        "code": {"type": "string", "description": "why not, in CamelCase"},
        "message": {"type": "string"},
    },
}


def document(
    contracts: Sequence[Contract], views: Sequence[View] = (), *, server: str, version: str
) -> Schema:
    """`server` is the URL of a NATS server, whose password is left out."""
    scheme, _, place = server.partition("://")
    mesh = _Document(contracts, views)
    for contract in contracts:
        for command in contract.public:
            mesh.command(contract.domain, command)
        for aggregate, group in contract.events.items():
            for event in group:
                mesh.event(contract.domain, aggregate, tag(event))
    for view in views:
        for query in view.queries:
            mesh.query(view.name, query.name, keyed=query.keyed)
        mesh.live(view.name)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Trueup", "version": version, "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {"nats": {"host": place.rpartition("@")[2], "protocol": scheme}},
        "channels": mesh.channels,
        "operations": mesh.operations,
        "components": {"messages": mesh.messages, "schemas": mesh.schemas},
    }


class _Document:
    """Grows by one channel and one operation for each thing that can be sent or heard."""

    def __init__(self, contracts: Sequence[Contract], views: Sequence[View]) -> None:
        self.channels: Schema = {"answer": _channel(None, "answer")}
        self.operations: Schema = {}
        self.messages: Schema = {"answer": {"name": "answer", "payload": _ref("schemas", "Answer")}}
        self._names, self.schemas = _schemas(contracts, views)

    def command(self, domain: str, name: str) -> None:
        message = f"{domain}_{name}"
        shape = self._names[message]
        payload = _ref("schemas", shape)
        self._message(message, payload, self.schemas[shape], "application/json")
        for address in (subjects.command, subjects.submission):
            self._request(address(domain, name, "{id}"), message)

    def event(self, domain: str, aggregate: str, name: str) -> None:
        message = f"{domain}_{name}"
        shape = self._names[message]
        inside = {"type": {"const": name}, "data": _ref("schemas", shape)}
        payload = {"allOf": [_ref("schemas", "Envelope"), {"type": "object", "properties": inside}]}
        self._message(message, payload, self.schemas[shape], MEDIA_TYPE)
        address = subjects.event(domain, aggregate, "{id}", name)
        channel = self._channel(address, message)
        self.operations[channel] = {"action": "send", **_about(channel, message)}

    def query(self, view: str, name: str, *, keyed: bool) -> None:
        message = f"qry_{view}_{name}"
        payload = _ref("schemas", self._names[message])
        self._message(message, payload, {}, "application/json")
        self._request(subjects.query(view, name, "{id}" if keyed else None), message)

    def live(self, view: str) -> None:
        message = f"live_{view}"
        self.messages[message] = {"name": message, **LIVE}
        channel = self._channel(subjects.live(view, "{key}"), message)
        self.operations[channel] = {"action": "send", **_about(channel, message)}

    def _request(self, address: str, message: str) -> None:
        channel = self._channel(address, message)
        answer = {"channel": {"$ref": "#/channels/answer"}}
        about = _about(channel, message)
        self.operations[channel] = {
            "action": "receive",
            **about,
            "bindings": QUEUE,
            "reply": answer,
        }

    def _channel(self, address: str, message: str) -> str:
        name = _placeholder.sub("", address).replace(".", "_")
        self.channels[name] = _channel(address, message)
        return name

    def _message(self, name: str, payload: Schema, shape: Schema, media: str) -> None:
        short = shape.get("description", "").partition(". ")[0].rstrip(".")
        about = {"summary": " ".join(short.split())} if short else {}
        self.messages[name] = {"name": name, "contentType": media, **about, "payload": payload}


def _channel(address: str | None, message: str) -> Schema:
    messages = {message: _ref("messages", message)}
    channel: Schema = {"address": address, "messages": messages}
    if names := _placeholder.findall(address or ""):
        channel["parameters"] = {name: PARAMETERS[name] for name in names}
    return channel


def _about(channel: str, message: str) -> Schema:
    return {
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _schemas(
    contracts: Iterable[Contract], views: Iterable[View]
) -> tuple[dict[str, str], dict[str, Any]]:
    """All shapes by their names in the document, and which message has which."""
    shapes: dict[str, type] = {}
    for contract in contracts:
        for name, message in {**contract.public, **contract.event_types}.items():
            shapes[f"{contract.domain}_{name}"] = message
    for view in views:
        shapes.update({f"qry_{view.name}_{query.name}": query.params for query in view.queries})
    refs, parts = msgspec.json.schema_components(
        [*shapes.values(), Envelope], ref_template="#/components/schemas/{name}"
    )
    names = [ref["$ref"].rpartition("/")[2] for ref in refs]
    for contract in contracts:
        for name in contract.public:
            relax(parts[names[list(shapes).index(f"{contract.domain}_{name}")]])
    return dict(zip(shapes, names, strict=False)), tidy({**parts, "Answer": ANSWER})
