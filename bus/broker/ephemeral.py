"""The consumer that a reader makes for itself: on one server, in memory, and gone with it."""

from __future__ import annotations

import contextlib
import secrets
from typing import NamedTuple

from bus.broker import jetstream
from bus.broker.connection import Connection
from bus.broker.port import BrokerUnavailable

_UNUSED_AFTER = 60_000_000_000
"""Nanoseconds after which the server drops a consumer that nobody asks."""


class Ephemeral(NamedTuple):
    """`pending` is how many messages it has to give. In a cluster (`clustered`) it sits on any
    of the stream's replicas and knows of no more than that one has got."""

    name: str
    pending: int
    clustered: bool


async def create(connection: Connection, stream: str, after: int) -> Ephemeral:
    """A consumer from behind sequence `after` on; on a replica that is not so far yet, from
    that one's end on. Raises StreamMissing, BrokerUnavailable."""
    name = f"reader-{secrets.token_hex(8)}"
    config = {
        "name": name,
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": after + 1,
        "ack_policy": "none",
        "mem_storage": True,
        "num_replicas": 1,
        "inactive_threshold": _UNUSED_AFTER,
    }
    question = {"stream_name": stream, "config": config}
    verb = f"CONSUMER.CREATE.{stream}.{name}"
    try:
        made = await jetstream.call(connection, verb, stream, question)
    except BaseException:  # it may have been made: nobody would ever ask for it
        drop(connection, stream, name)
        raise
    return Ephemeral(name, made["num_pending"], "cluster" in made)


def drop(connection: Connection, stream: str, name: str) -> None:
    """Nobody waits for the answer: an unused consumer goes by itself, only later."""
    with contextlib.suppress(BrokerUnavailable):
        connection.publish(
            f"{jetstream.API}.CONSUMER.DELETE.{stream}.{name}",
            b"",
            reply=f"{connection.inbox.prefix}.nobody",
        )
