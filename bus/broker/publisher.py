"""Publishes runs of events: many in one socket write, acknowledged by the first and the last.

nats-py waits for each acknowledgement, or never learns of a refused message. Here every
message carries the sequence that it must follow. So when the last of a run is stored, all
are, each at its own number; and what a crash repeats is refused by the server itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from bus.broker import frames, jetstream
from bus.broker.connection import Connection
from bus.broker.inbox import Answer
from bus.broker.port import BrokerUnavailable, Outgoing, StreamMissing, WrongSequence
from bus.broker.streams import Streams

_CHUNK_MESSAGES = 500
_CHUNK_BYTES = 2 * 1024 * 1024
_CHUNKS_UNDER_WAY = 4
"""A server queues 10,000 messages a stream, and drops what comes on top."""

_ACK_SECONDS = 5.0


class NotRouted(BrokerUnavailable):
    """The stream is there, but this server does not know the way to it (yet)."""


async def publish_run(
    connection: Connection, streams: Streams, stream: str, after: int, run: Sequence[Outgoing]
) -> None:
    """As the port says."""
    connection.check_run(run, len(_expecting(after + len(run))))
    await connection.connected(_ACK_SECONDS)
    under_way: list[asyncio.Future[Answer]] = []
    try:
        for first, chunk in _chunks(after, run):
            under_way.append(_send(connection, first, chunk))
            if len(under_way) == _CHUNKS_UNDER_WAY:
                await _acknowledged(under_way.pop(0), stream)
        while under_way:
            await _acknowledged(under_way.pop(0), stream)
    except jetstream.WrongLast as wrong:
        if under_way:  # only when nothing of ours is on its way any more is the state true
            await asyncio.wait(under_way, timeout=_ACK_SECONDS)
        raise WrongSequence(await streams.last(stream, wrong.last)) from None
    except StreamMissing:
        await streams.state(stream)  # may know better: no leader at the moment, say
        raise NotRouted(f"stream {stream} does not take messages now") from None
    finally:
        for ack in under_way:
            ack.cancel()


def _send(connection: Connection, after: int, chunk: Sequence[Outgoing]) -> asyncio.Future[Answer]:
    reply, ack = connection.inbox.expect()
    last = len(chunk) - 1
    data = b"".join(
        [
            frames.frame(subject, body, _expecting(after + i), reply if i == last else "")
            for i, (subject, body) in enumerate(chunk)
        ]
    )
    try:
        connection.send(data)
    except BrokerUnavailable:
        ack.cancel()
        raise
    return ack


async def _acknowledged(ack: asyncio.Future[Answer], stream: str) -> None:
    try:
        if not ack.done():
            async with asyncio.timeout(_ACK_SECONDS):
                await ack
        answer = ack.result()
    except TimeoutError:
        raise BrokerUnavailable(
            f"stream {stream} acknowledged nothing within {_ACK_SECONDS:g} s"
        ) from None
    if not answer.body and frames.decode_status(answer.headers).code == 503:
        raise StreamMissing(f"no stream takes the events of {stream}")
    jetstream.check(answer.body, stream)


def _chunks(after: int, run: Sequence[Outgoing]) -> Iterator[tuple[int, Sequence[Outgoing]]]:
    """The first message is one by itself: behind a foreign message, all the others would
    follow on, and only its own acknowledgement tells."""
    start = size = 0
    for i, outgoing in enumerate(run):
        if i > start and (i == 1 or i - start == _CHUNK_MESSAGES or size >= _CHUNK_BYTES):
            yield after + start, run[start:i]
            start, size = i, 0
        size += len(outgoing.body)
    if start < len(run):
        yield after + start, run[start:]


def _expecting(sequence: int) -> bytes:
    return b"NATS/1.0\r\nNats-Expected-Last-Sequence: %d\r\n\r\n" % sequence
