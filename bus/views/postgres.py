"""A view's rows in Postgres: the tables are in `postgres_tables.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from bus.store.outages import database, reaching
from bus.store.port import Checkpoint, ParkedRow
from bus.store.session import Session
from bus.view import View
from bus.views import postgres_tables as tables
from bus.views.kept import check_view
from bus.views.port import Change, Snapshot, State, Superseded, ViewChanged
from bus.views.postgres_rows import PostgresRows

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

PATIENCE = 30.0
"""Seconds until a statement that does not answer counts as an outage."""

_SETTINGS = {"application_name": "trueup view", "jit": "off"}
_WRITING = _SETTINGS | {
    # The checkpoint is committed with the rows, so that a crash takes back both: what is
    # lost is folded again from the stream.
    "synchronous_commit": "off",
    # A batch looks rows up by key; a planner without statistics yet must not think otherwise.
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
}


class PostgresViewStore:
    """See `bus.views.port.ViewStore`. `pool` is the most connections for queries; one more
    is for writing."""

    def __init__(self, view: View, url: str, *, pool: int = 4) -> None:
        check_view(view)
        self.view = view
        self._url = url
        self._size = pool
        self._name = database(url)
        self._writing = Session(lambda: self._connect(_WRITING))
        self._asking: asyncpg.Pool | None = None
        self._write = tables.write_statement(view)
        self._load = tables.load_statement(view)

    async def open(self) -> None:
        with self._reaching():
            connection = await asyncpg.connect(self._url, timeout=PATIENCE)
            try:
                await tables.create(connection, self.view)
            finally:
                await connection.close(timeout=1)
            self._asking = await self._pool()

    async def close(self) -> None:
        asking, self._asking = self._asking, None
        await self._writing.close()
        if asking is not None:
            await _closed(asking)

    async def state(self) -> State:
        statement = tables.state_statement(self.view)
        with self._writer() as session:
            row = await session.fetchrow(statement, self.view.name, self.view.version)
        if row is None or row["built"] is None:
            raise ViewChanged.gone(self.view)
        places = {domain: Checkpoint(at, id) for domain, at, id in row["checkpoints"]}
        parked = {(reader, key) for reader, key in row["parked"]}
        return State(row["stamp"], places, parked, row["built"])

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        with self._writer() as session:
            rows = await session.fetch(self._load, keys)
        domains = [source.contract.domain for source in self.view.sources]
        return {
            row[0]: {d: slot for d, slot in zip(domains, row[1:], strict=True) if slot is not None}
            for row in map(tuple, rows)
        }

    async def write(self, change: Change) -> None:
        with self._writer(committing=True) as session:
            written = await session.fetchrow(self._write, *_arguments(self.view, change))
        if written is None or not written[0]:
            raise Superseded

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        base = tables.table(self.view.name, self.view.version)
        statement = f"""
            select reader, key, position, body, reason, attempts, since from {base}_parked
            where $1::text is null or reader = $1 order by reader, key, position
        """
        async with self._connection() as connection:
            return [ParkedRow(*row) for row in await connection.fetch(statement, reader)]

    async def settle(self) -> None:
        async with self._connection(committing=True) as connection:
            await tables.settle(connection, self.view)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        base = tables.table(self.view.name, self.view.version)
        with self._reaching():
            async with (
                self._opened().acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                found = await connection.fetch(f"select domain, position from {base}_checkpoints")
                rows = PostgresRows(connection, self.view.name, base, self.view.columns)
                yield Snapshot(rows, {row["domain"]: row["position"] for row in found})

    async def _connect(self, settings: dict[str, str]) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url, timeout=PATIENCE, command_timeout=PATIENCE, server_settings=settings
        )

    async def _pool(self) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self._url,
            min_size=0,  # a pool that must keep one logs every attempt while the server is down
            max_inactive_connection_lifetime=0,
            max_size=self._size,
            timeout=PATIENCE,
            command_timeout=PATIENCE,
            server_settings=_SETTINGS,
            reset=_nothing_to_reset,
        )

    @contextmanager
    def _writer(self, *, committing: bool = False) -> Iterator[Session]:
        self._opened()
        with self._reaching(committing=committing):
            yield self._writing

    @asynccontextmanager
    async def _connection(self, *, committing: bool = False) -> AsyncIterator[Connection]:
        with self._reaching(committing=committing):
            async with self._opened().acquire() as connection:
                yield connection

    def _opened(self) -> asyncpg.Pool:
        if self._asking is None:
            raise RuntimeError(f"the store of view {self.view.name} is not open")
        return self._asking

    @contextmanager
    def _reaching(self, *, committing: bool = False) -> Iterator[None]:
        try:
            with reaching(self._name, committing=committing):
                yield
        except asyncpg.UndefinedTableError as error:
            raise ViewChanged.gone(self.view) from error


def _arguments(view: View, change: Change) -> Sequence[object]:
    """What the statement takes, in its order: few, wide arrays."""
    places = [(domain, *place) for domain, place in change.places.items()]
    domains = [source.contract.domain for source in view.sources]
    return [
        *(change.stamp, change.next_stamp),
        *_transposed(places, 3),
        *_transposed(change.unparked, 3),
        *_transposed(change.parked, 5),
        *([row.key for row in change.rows], [row.row for row in change.rows]),
        *([row.slots.get(domain) for row in change.rows] for domain in domains),
        *_transposed([row.columns for row in change.rows], len(view.columns)),
    ]


def _transposed(rows: Sequence[Sequence[object]], width: int) -> Sequence[Sequence[object]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


async def _closed(pool: asyncpg.Pool) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _nothing_to_reset(_: object) -> None:
    """Saves a round trip a statement: nothing here leaves anything behind in a session."""
