"""A view's rows in Postgres: the tables are in `postgres_tables.py`, which builds there are in
`postgres_builds.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

import asyncpg

from bus.store.lease import IDLE, PostgresLease
from bus.store.outages import database, reaching
from bus.store.port import Checkpoint, Lease, ParkedRow, StoreUnavailable
from bus.store.session import Session
from bus.view import View
from bus.views import builds, postgres_builds, postgres_changes, postgres_history, postgres_proof
from bus.views import postgres_tables as tables
from bus.views.changes import Mark
from bus.views.kept import check_view
from bus.views.port import (
    Aim,
    Altered,
    Build,
    Change,
    Digests,
    Replaced,
    Snapshot,
    State,
    Superseded,
)
from bus.views.postgres_changes import PostgresChanges
from bus.views.postgres_names import table
from bus.views.postgres_past import PostgresHistory
from bus.views.postgres_rows import PostgresRows
from bus.views.postgres_seals import intact_statement
from bus.views.proof import Mend, Sums, ViewRepaired, Walked

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

    def __init__(
        self,
        view: View,
        url: str,
        *,
        aim: Aim = Aim.SERVE,
        remembers: bool = True,
        pool: int = 4,
    ) -> None:
        check_view(view)
        self.view = view
        self._url = url
        self._aim = aim
        self._remembers = remembers
        self._size = pool
        self._name = database(url)
        self._writing = Session(lambda: self._connect(_WRITING))
        self._asking: asyncpg.Pool | None = None
        self._bound: int | None = None

    async def open(self) -> None:
        await self._bind()
        with self._reaching():
            self._asking = await self._pool()

    async def close(self) -> None:
        asking, self._asking = self._asking, None
        await self._writing.close()
        if asking is not None:
            await _closed(asking)

    async def state(self) -> State:
        while True:
            try:
                build = await self._looked_up()
                with self._writer() as session:
                    row = await session.fetchrow(tables.state_statement(self._base))
            except Superseded:  # dropped, or all of it has vanished
                await self._bind()
                continue
            if row is None or not row["right"]:
                # Its head or its checkpoints are not what was written: nothing of it can be
                # trusted, and the events tell it all anew.
                await self._lose(build)
                continue
            places = {domain: Checkpoint(at, id) for domain, at, id in row["checkpoints"]}
            parked = {(reader, key) for reader, key in row["parked"]}
            return State(row["stamp"], places, parked, build.stage)

    async def load(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        with self._writer() as session:
            statement = tables.load_statement(self.view, self._number)
            rows = await session.fetch(statement, keys)
        domains = [source.contract.domain for source in self.view.sources]
        if altered := [row[0] for row in rows if row[1]]:
            raise Altered(altered)
        return {
            row[0]: {d: slot for d, slot in zip(domains, row[2:], strict=True) if slot is not None}
            for row in map(tuple, rows)
        }

    async def write(self, change: Change) -> None:
        with self._writer(committing=True) as session:
            statement = tables.write_statement(self.view, self._number)
            written = await session.fetchrow(statement, *_arguments(self.view, change))
        if written is not None and written[1]:
            raise Altered(written[1])
        if written is None or not written[0]:
            raise Superseded

    def beside(self, aim: Aim) -> PostgresViewStore:
        return PostgresViewStore(self.view, self._url, aim=aim, pool=self._size)

    async def walk(self, cursor: str) -> Walked:
        async with self._connection() as connection:
            return await postgres_proof.walk(connection, self.view, self._number, cursor)

    async def intact(self) -> bool:
        async with self._connection() as connection:
            return bool(await connection.fetchval(intact_statement(self._base)))

    async def sums(self) -> Sums:
        async with self._connection() as connection:
            return await postgres_proof.sums(connection, self.view, self._number)

    async def held(self, keys: Sequence[str]) -> Mapping[str, str]:
        async with self._connection() as connection:
            return await postgres_proof.held(connection, self._base, keys)

    async def mend(self, mend: Mend) -> Sequence[ViewRepaired]:
        async with self._connection(committing=True) as connection:
            return await postgres_proof.mend(connection, self.view, self._number, mend)

    async def repairs(self) -> Sequence[ViewRepaired]:
        async with self._connection() as connection:
            return await postgres_proof.repairs(connection, self.view)

    async def abandon(self) -> None:
        async with self._connection(committing=True) as connection:
            await postgres_builds.abandon(connection, self.view, self._number)

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        base = self._base
        statement = f"""
            select reader, key, position, body, reason, attempts, since from {base}_parked
            where $1::text is null or reader = $1 order by reader, key, position
        """
        async with self._connection() as connection:
            return [ParkedRow(*row) for row in await connection.fetch(statement, reader)]

    async def digests(self, after: str, *, most: int, upto: str = "") -> Digests:
        statement = tables.digests_statement(self.view, self._number)
        async with self._connection() as connection:
            row = await connection.fetchrow(statement, after, upto, most)
        assert row is not None
        positions, found = row
        digests = dict(found[:most] if not upto else found)
        end = "" if upto or len(found) <= most else next(reversed(digests))
        return Digests(dict(positions), digests, end)

    async def builds(self) -> Sequence[Build]:
        async with self._connection() as connection:
            return await postgres_builds.listed(connection, self.view.name)

    async def ready(self) -> None:
        async with self._connection(committing=True) as connection:
            await postgres_builds.ready(connection, self.view, self._number)

    async def take_over(self) -> bool:
        async with self._connection(committing=True) as connection:
            return await postgres_builds.take_over(connection, self.view, self._number)

    async def tidy(self, before: datetime) -> None:
        async with self._connection(committing=True) as connection:
            await postgres_builds.tidy(connection, self.view.name, before)

    async def remember(self) -> None:
        async with self._connection(committing=True) as connection:
            if self._remembers:
                await postgres_history.remember(connection, self.view, self._base)
            else:
                await postgres_history.forget(connection, self._base)

    async def trim(self, before: datetime) -> None:
        for build in await self.builds():
            async with self._connection(committing=True) as connection:
                await postgres_history.trim(connection, table(self.view.name, build.number), before)

    def lease(self) -> Lease:
        ending = _SETTINGS | {"idle_session_timeout": f"{IDLE}s"}
        what = f"live queries of {self.view.name}"
        return PostgresLease(lambda: self._connect(ending), self._name, what)

    async def noted(self) -> Mark | None:
        async with self._connection() as connection:
            return await postgres_changes.noted(connection, self.view.name)

    async def note(self, mark: Mark | None) -> None:
        async with self._connection(committing=True) as connection:
            await postgres_changes.note(connection, self.view.name, mark)

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[PostgresChanges]:
        async with self._one_moment() as connection:
            number = await self._asked(connection)
            if not await connection.fetchval(tables.right_statement(table(self.view.name, number))):
                raise StoreUnavailable(f"The view {self.view.name} is being made anew")
            yield PostgresChanges(connection, self.view, number)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        async with self._one_moment() as connection:
            base = table(self.view.name, await self._asked(connection))
            found = await connection.fetch(tables.places_statement(base))
            if not found or not all(row["right"] for row in found):
                raise StoreUnavailable(f"The view {self.view.name} is being made anew")
            joined: dict[str, Mapping[str, int]] = {}
            name, columns = self.view.name, self.view.columns
            rows = PostgresRows(connection, name, base, columns, joined=joined)
            yield Snapshot(rows, {row["domain"]: row["position"] for row in found}, joined)

    @asynccontextmanager
    async def history(self) -> AsyncIterator[PostgresHistory]:
        async with self._one_moment() as connection:
            await self._asked(connection)
            yield PostgresHistory(connection)

    @asynccontextmanager
    async def _one_moment(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        with self._reaching():
            async with (
                self._opened().acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection

    async def _asked(self, connection: Connection) -> int:
        """The build that questions are put to."""
        if self._aim is not Aim.SERVE:
            return self._number
        found = await connection.fetchrow(postgres_builds.SERVING, self.view.name)
        if found is None:
            raise StoreUnavailable(f"The view {self.view.name} is being made anew")
        if found["version"] != self.view.version:
            raise Replaced(self.view)
        return int(found["number"])

    async def _looked_up(self) -> Build:
        """The build to work on, without waiting for anybody. Raises Superseded where none is
        there."""
        with self._writer() as session:
            there = await postgres_builds.listed(session, self.view.name)
        build = builds.chosen(self.view, there, self._aim, self._bound)
        if build is None:
            raise Superseded
        self._bound = build.number
        return build

    async def _lose(self, build: Build) -> None:
        async with self._connection(committing=True) as connection:
            await postgres_builds.lose(connection, self.view, build.number)

    async def _bind(self) -> None:
        """Finds the build to work on, or begins it."""
        with self._reaching(committing=True):
            connection = await asyncpg.connect(self._url, timeout=PATIENCE)
            try:
                build = await postgres_builds.bind(connection, self.view, self._aim, self._bound)
            finally:
                await connection.close(timeout=1)
        self._bound = build.number

    @property
    def _number(self) -> int:
        if self._bound is None:
            raise RuntimeError(f"the store of view {self.view.name} is not open")
        return self._bound

    @property
    def _base(self) -> str:
        return table(self.view.name, self._number)

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
        with reaching(self._name, committing=committing):
            try:
                yield self._writing
            except asyncpg.UndefinedTableError as error:
                raise Superseded from error

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
            raise StoreUnavailable(f"The view {self.view.name} is being made anew") from error


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
