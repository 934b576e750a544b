"""A view's rows in Postgres: the tables are in `postgres_tables.py`, which builds there are in
`postgres_builds.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from bus.store.lease import IDLE, PostgresLease
from bus.store.port import Checkpoint, Lease, ParkedRow, StoreUnavailable
from bus.view import View
from bus.views import builds, postgres_builds, postgres_changes, postgres_history, postgres_proof
from bus.views import postgres_tables as tables
from bus.views.build import Aim, Build
from bus.views.changes import Mark
from bus.views.kept import check_view
from bus.views.port import Altered, Change, Digests, Replaced, Snapshot, State, Superseded
from bus.views.postgres_changes import PostgresChanges
from bus.views.postgres_connections import Connection, Connections
from bus.views.postgres_names import table
from bus.views.postgres_past import PostgresHistory
from bus.views.postgres_rows import PostgresRows
from bus.views.postgres_seals import intact_statement
from bus.views.proof import Mend, Sums, ViewRepaired, Walked


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
        self._connections = Connections(view.name, url, pool)
        self._bound: int | None = None

    async def open(self) -> None:
        await self._bind()
        await self._connections.open()

    async def close(self) -> None:
        await self._connections.close()

    async def state(self) -> State:
        while True:
            try:
                build = await self._looked_up()
                with self._connections.writing() as session:
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
        with self._connections.writing() as session:
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
        with self._connections.writing(committing=True) as session:
            statement = tables.write_statement(self.view, self._number)
            written = await session.fetchrow(statement, *tables.arguments(self.view, change))
        if written is not None and written[1]:
            raise Altered(written[1])
        if written is None or not written[0]:
            raise Superseded

    def beside(self, aim: Aim) -> PostgresViewStore:
        return PostgresViewStore(self.view, self._url, aim=aim, pool=self._size)

    async def walk(self, cursor: str) -> Walked:
        async with self._connections.asking() as connection:
            return await postgres_proof.walk(connection, self.view, self._number, cursor)

    async def intact(self) -> bool:
        async with self._connections.asking() as connection:
            return bool(await connection.fetchval(intact_statement(self._base)))

    async def sums(self) -> Sums:
        async with self._connections.asking() as connection:
            return await postgres_proof.sums(connection, self.view, self._number)

    async def held(self, keys: Sequence[str]) -> Mapping[str, str]:
        async with self._connections.asking() as connection:
            return await postgres_proof.held(connection, self._base, keys)

    async def mend(self, mend: Mend) -> Sequence[ViewRepaired]:
        async with self._connections.asking(committing=True) as connection:
            return await postgres_proof.mend(connection, self.view, self._number, mend)

    async def repairs(self) -> Sequence[ViewRepaired]:
        async with self._connections.asking() as connection:
            return await postgres_proof.repairs(connection, self.view)

    async def abandon(self) -> None:
        async with self._connections.asking(committing=True) as connection:
            await postgres_builds.abandon(connection, self.view, self._number)

    async def parked(self, reader: str | None = None) -> Sequence[ParkedRow]:
        base = self._base
        statement = f"""
            select reader, key, position, body, reason, attempts, since from {base}_parked
            where $1::text is null or reader = $1 order by reader, key, position
        """
        async with self._connections.asking() as connection:
            return [ParkedRow(*row) for row in await connection.fetch(statement, reader)]

    async def digests(self, after: str, *, most: int, upto: str = "") -> Digests:
        statement = tables.digests_statement(self.view, self._number)
        async with self._connections.asking() as connection:
            row = await connection.fetchrow(statement, after, upto, most)
        assert row is not None
        positions, found = row
        digests = dict(found[:most] if not upto else found)
        end = "" if upto or len(found) <= most else next(reversed(digests))
        return Digests(dict(positions), digests, end)

    async def builds(self) -> Sequence[Build]:
        async with self._connections.asking() as connection:
            return await postgres_builds.listed(connection, self.view.name)

    async def ready(self) -> None:
        async with self._connections.asking(committing=True) as connection:
            await postgres_builds.ready(connection, self.view, self._number)

    async def take_over(self) -> bool:
        async with self._connections.asking(committing=True) as connection:
            return await postgres_builds.take_over(connection, self.view, self._number)

    async def tidy(self, before: datetime) -> None:
        async with self._connections.asking(committing=True) as connection:
            await postgres_builds.tidy(connection, self.view.name, before)

    async def remember(self) -> None:
        async with self._connections.asking(committing=True) as connection:
            if self._remembers:
                await postgres_history.remember(connection, self.view, self._base)
            else:
                await postgres_history.forget(connection, self._base)

    async def trim(self, before: datetime) -> None:
        for build in await self.builds():
            async with self._connections.asking(committing=True) as connection:
                await postgres_history.trim(connection, table(self.view.name, build.number), before)

    def lease(self) -> Lease:
        connections, idle = self._connections, f"{IDLE}s"
        what = f"live queries of {self.view.name}"
        return PostgresLease(
            lambda: connections.lasting(idle_session_timeout=idle), connections.database, what
        )

    async def noted(self) -> Mark | None:
        async with self._connections.asking() as connection:
            return await postgres_changes.noted(connection, self.view.name)

    async def note(self, mark: Mark | None) -> None:
        async with self._connections.asking(committing=True) as connection:
            await postgres_changes.note(connection, self.view.name, mark)

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[PostgresChanges]:
        async with self._connections.one_moment() as connection:
            number = await self._asked(connection)
            if not await connection.fetchval(tables.right_statement(table(self.view.name, number))):
                raise StoreUnavailable(f"The view {self.view.name} is being made anew")
            yield PostgresChanges(connection, self.view, number)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        async with self._connections.one_moment() as connection:
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
        async with self._connections.one_moment() as connection:
            await self._asked(connection)
            yield PostgresHistory(connection)

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
        with self._connections.writing() as session:
            there = await postgres_builds.listed(session, self.view.name)
        build = builds.chosen(self.view, there, self._aim, self._bound)
        if build is None:
            raise Superseded
        self._bound = build.number
        return build

    async def _lose(self, build: Build) -> None:
        async with self._connections.asking(committing=True) as connection:
            await postgres_builds.lose(connection, self.view, build.number)

    async def _bind(self) -> None:
        """Finds the build to work on, or begins it."""
        async with self._connections.once() as connection:
            build = await postgres_builds.bind(connection, self.view, self._aim, self._bound)
        self._bound = build.number

    @property
    def _number(self) -> int:
        if self._bound is None:
            raise RuntimeError(f"the store of view {self.view.name} is not open")
        return self._bound

    @property
    def _base(self) -> str:
        return table(self.view.name, self._number)
