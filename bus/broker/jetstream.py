"""JetStream's own API, and what its errors mean here.

https://github.com/nats-io/nats-server/blob/main/server/errors.json
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bus.broker.connection import Connection
from bus.broker.port import BrokerUnavailable, NoResponders, StreamMissing

API = "$JS.API"

NO_MESSAGE = 10037
NO_STREAM = 10059
NAME_IN_USE = 10058
WRONG_LAST_SEQUENCE = (10071, 10164)


class NoMessage(Exception):
    """The stream holds nothing at that sequence."""


class NameInUse(Exception):
    """There is such a stream already, with another configuration."""


class WrongLast(Exception):
    """The stream's last sequence is not the one that a message expects. It is `last` as its
    leader reckons, who counts what its replicas are still storing; 0 where it doesn't say."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        said = description.rpartition(":")[2].strip()
        self.last = int(said) if said.isdigit() else 0


async def call(
    connection: Connection, verb: str, stream: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Asks for `$JS.API.<verb>`. Raises as `check`, and BrokerUnavailable."""
    question = msgspec.json.encode(body) if body is not None else b""
    try:
        answer = await connection.request(f"{API}.{verb}", question)
    except NoResponders:
        raise BrokerUnavailable(f"no JetStream at {connection.where}") from None
    return check(answer.body, stream)


def check(answer: bytes, stream: str) -> dict[str, Any]:
    """The answer of `stream`'s server, decoded. Raises StreamMissing, NoMessage, NameInUse,
    WrongLast; for every other error BrokerUnavailable."""
    try:
        reply: dict[str, Any] = msgspec.json.decode(answer, type=dict)
    except msgspec.MsgspecError as error:
        raise BrokerUnavailable(f"JetStream's answer can't be read: {error}") from None
    if refusal := reply.get("error"):
        raise _meant(refusal.get("err_code", 0), refusal.get("description", ""), stream)
    return reply


def _meant(code: int, description: str, stream: str) -> Exception:
    if code == NO_STREAM:
        return StreamMissing(f"there is no stream {stream}")
    if code == NO_MESSAGE:
        return NoMessage(description)
    if code == NAME_IN_USE:
        return NameInUse(description)
    if code in WRONG_LAST_SEQUENCE:
        return WrongLast(description)
    return BrokerUnavailable(f"JetStream refuses: {description} ({code})")
