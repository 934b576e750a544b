"""A domain's store in Postgres. The tables and the append are in schema.sql."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from bus.envelope import Key
from bus.store import queries, recalling
from bus.store.appending import PostgresTransaction, write
from bus.store.flushing import Flusher
from bus.store.lease import IDLE, PostgresLease
from bus.store.outages import database, reaching
from bus.store.port import (
    Append,
    Checkpoint,
    DutyRow,
    Head,
    Landed,
    Lease,
    ParkedRow,
    Past,
    Snapshot,
    StoredEvent,
    StoredReceipt,
    StoreUnavailable,
)
from bus.store.schema import create
from bus.store.session import Session
from bus.store.writing import Writers

PATIENCE = 30.0
"""Seconds until a statement that does not answer counts as an outage."""

SETTINGS = {
    "application_name": "trueup",
    "default_transaction_isolation": "read committed",
    # A process that is paused inside of an exclusive transaction must not stop the others.
    "idle_in_transaction_session_timeout": "5s",
    # Everything here is an index look-up; a planner that has no statistics yet, because the
    # tables were empty a minute ago, must not think otherwise.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""Of every session of a store."""
PREPARED = {"plan_cache_mode": "force_generic_plan"}
"""Of the sessions of the hot path: each plan is an index look-up, whatever the arguments."""
WRITING = PREPARED | {"client_min_messages": "notice"}
"""Of those that write, whatever the database's own setting: see bus/store/writing.py."""


class PostgresStore:
    """See `bus.store.port.Store`.

    `pool` is the most connections it opens, beside the lease's own. With `schema` the
    tables are in that schema instead of the database's default one.
    """

    def __init__(self, url: str, *, pool: int = 8, schema: str | None = None) -> None:
        if schema is not None and not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
            raise ValueError(f"{schema!r} is no plain name of a schema")
        self._url = url
        self._size = pool
        self._schema = schema
        self._settings = SETTINGS | ({"search_path": schema} if schema else {})
        self._name = database(url)
        self._pool: asyncpg.Pool | None = None
        self._recalling = Session(lambda: self._connect(self._settings | PREPARED, PATIENCE))
        self._writers = Writers(
            lambda: self._connect(self._settings | WRITING, PATIENCE), self._name
        )
        self._flusher = Flusher(lambda: self._connect(self._settings, PATIENCE), self._name)

    async def open(self) -> None:
        """Raises bus.store.schema.WrongFormat where the database can't hold a store."""
        with reaching(self._name):
            connection = await self._connect(self._settings)
            try:
                await create(connection, self._name, self._schema)
            finally:
                await connection.close(timeout=1)
            self._pool = await self._new_pool()
            await self._recalling.open()
            await self._writers.open()
        await self._flusher.session()

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        await self._recalling.close()
        await self._writers.close()
        await self._flusher.close()
        if pool is None:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def append(self, append: Append) -> Head:
        async with self._connection() as connection:
            with reaching(self._name, committing=True):
                return await write(connection, append)

    async def write(self, append: Append) -> Landed:
        self._opened()
        return await self._writers.write(append)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[PostgresTransaction]:
        pool = self._opened()
        with reaching(self._name):
            connection = await pool.acquire()
        transaction = PostgresTransaction(connection, self._name)
        try:
            await transaction.begin()
            yield transaction
        finally:
            await transaction.end()
            await pool.release(connection)

    def lease(self) -> Lease:
        settings = self._settings | {"idle_session_timeout": f"{IDLE}s"}
        return PostgresLease(lambda: self._connect(settings), self._name)

    async def load(self, keys: Sequence[Key]) -> Mapping[Key, Sequence[StoredEvent]]:
        async with self._connection() as connection:
            return await queries.load(connection, keys)

    async def recall(
        self, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
    ) -> Mapping[Key, Past]:
        self._opened()
        with reaching(self._name):
            return await recalling.recall(self._recalling, keys, shapes, limit)

    async def keep_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        async with self._connection() as connection:
            await recalling.keep(connection, snapshots)

    async def forget_snapshot(self, key: Key) -> None:
        async with self._connection() as connection:
            await recalling.forget(connection, key)

    async def versions(self, keys: Sequence[Key]) -> Mapping[Key, int]:
        async with self._connection() as connection:
            return await queries.versions(connection, keys)

    async def head(self) -> Head:
        async with self._safely() as connection:
            return await queries.head(connection)

    async def read(self, after: int, limit: int) -> Sequence[StoredEvent]:
        async with self._safely() as connection:
            return await queries.read(connection, after, limit)

    async def history(self, id: str, after: int, limit: int) -> Sequence[StoredEvent]:
        async with self._safely() as connection:
            return await queries.history(connection, id, after, limit)

    async def sequence(
        self,
        key: Key,
        *,
        after: int | None = None,
        upto: int | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]:
        async with self._safely() as connection:
            return await queries.sequence(
                connection, key, after=after, upto=upto, limit=limit, descending=descending
            )

    async def of_types(
        self, types: Sequence[str], after: int, upto: int | None, limit: int
    ) -> Sequence[StoredEvent]:
        """As `read`, up to position `upto` and of these types only; no types: of any."""
        async with self._safely() as connection:
            return await queries.of_types(connection, types, after, upto, limit)

    async def receipts(self, command_ids: Sequence[str]) -> Mapping[str, StoredReceipt]:
        async with self._safely() as connection:
            return await queries.receipts(connection, command_ids)

    async def trim_receipts(self, before: datetime, limit: int) -> int:
        async with self._connection() as connection:
            return await queries.trim_receipts(connection, before, limit)

    async def checkpoint(self, upstream: str) -> Checkpoint:
        async with self._safely() as connection:
            return await queries.checkpoint(connection, upstream)

    async def due(self, now: datetime, limit: int, kind: str | None = None) -> Sequence[DutyRow]:
        async with self._safely() as connection:
            return await queries.due(connection, now, limit, kind)

    async def next_due(self, kind: str | None = None) -> datetime | None:
        async with self._connection() as connection:
            return await queries.next_due(connection, kind)

    async def postpone(self, name: str, event_id: str, due: datetime) -> None:
        async with self._connection() as connection:
            await queries.postpone(connection, name, event_id, due)

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        async with self._connection() as connection:
            return await queries.parked(connection, reader)

    async def parked_again(self, reader: str, key: str, position: int, reason: str) -> None:
        async with self._connection() as connection:
            await queries.parked_again(connection, reader, key, position, reason)

    def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            raise RuntimeError(f"the store in the database {self._name} is not open")
        return self._pool

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[queries.Connection]:
        pool = self._opened()
        with reaching(self._name):
            async with pool.acquire() as connection:
                yield connection

    @asynccontextmanager
    async def _safely(self) -> AsyncIterator[queries.Connection]:
        """What is read here is on disk when this ends."""
        session = await self._flusher.session()  # begun before what is read: it sees a crash
        async with self._connection() as connection:
            yield connection
        try:
            await session.flush()
        except StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error  # nothing was being written

    async def _new_pool(self) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._size,
            timeout=PATIENCE,
            command_timeout=PATIENCE,
            server_settings=self._settings,
            reset=_nothing_to_reset,
        )

    async def _connect(
        self, settings: dict[str, str], command_timeout: float | None = None
    ) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url,
            timeout=PATIENCE,
            command_timeout=command_timeout,
            server_settings=settings,
        )


async def _nothing_to_reset(_: object) -> None:
    """Saves a round trip a statement: nothing here leaves anything behind in a session."""
