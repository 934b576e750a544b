"""The append: one call of the SQL function, and what its answer means."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from bus.envelope import Key
from bus.store import packing, queries, recalling
from bus.store.outages import OUTAGES, reaching
from bus.store.port import Append, Conflict, Fired, Head, Past, StoredEvent
from bus.store.session import Fetches

APPEND = "select * from append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"

Lost = tuple[
    list[Key] | None,
    list[str] | None,
    list[str] | None,
    list[Fired] | None,
    list[tuple[str, str, int]] | None,
]
_lost = msgspec.json.Decoder(Lost)


async def write(connection: Fetches, append: Append, statement: str = APPEND) -> Head:
    """Raises Conflict."""
    try:
        row = await connection.fetchrow(statement, *packing.arguments(append))
    except asyncpg.UniqueViolationError as error:
        raise await _twice(connection, append, error) from error
    assert row is not None
    position, digest, lost = row
    if lost is not None:
        keys, receipts, upstreams, fired, unparked = _lost.decode(lost)
        raise Conflict(keys or (), receipts or (), upstreams or (), fired or (), unparked or ())
    return Head(position, digest)


async def _twice(
    connection: Fetches, append: Append, error: asyncpg.UniqueViolationError
) -> Conflict:
    """A receipt exists, or a version: of an aggregate that was to begin here, or of one that
    `expected` did not speak of."""
    if error.constraint_name == "receipts_pkey":
        return Conflict(receipts=[receipt.command_id for receipt in append.receipts])
    if not connection.is_in_transaction():
        there = await queries.versions(connection, list(append.expected))
        if moved := [key for key, version in append.expected.items() if there[key] != version]:
            return Conflict(keys=moved)
    return Conflict(keys=list(dict.fromkeys(event.key for event in append.events)))


class PostgresTransaction:
    """See `bus.store.port.Transaction`; between `begin` and `end` nobody else commits."""

    def __init__(self, connection: queries.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._open = False

    async def begin(self) -> None:
        with reaching(self._name):
            self._open = True
            await self._connection.execute("begin; select from head for update")

    async def end(self) -> None:
        if self._open:
            with contextlib.suppress(*OUTAGES):
                await self._connection.execute("rollback")

    async def load(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]:
        with reaching(self._name):
            return await queries.load(self._connection, keys)

    async def recall(
        self, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
    ) -> Mapping[Key, Past]:
        with reaching(self._name):
            return await recalling.recall(self._connection, keys, shapes, limit)

    async def sequence(
        self,
        key: Key,
        *,
        after: int | None = None,
        upto: int | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]:
        with reaching(self._name):
            return await queries.sequence(
                self._connection, key, after=after, upto=upto, limit=limit, descending=descending
            )

    async def append(self, append: Append) -> Head:
        with reaching(self._name):
            head = await write(self._connection, append)
        with reaching(self._name, committing=True):
            await self._connection.execute("commit")
        self._open = False
        return head
