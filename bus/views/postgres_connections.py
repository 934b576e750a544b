"""How a view's store reaches its database: one connection that writes, and a pool that asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from bus.store.outages import database, reaching
from bus.store.port import StoreUnavailable
from bus.store.session import Session
from bus.views.port import Superseded

Connection = asyncpg.Connection | PoolConnectionProxy

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


class Connections:
    """Of the store of `view`; `size` is the most that ask. Every method raises StoreUnavailable,
    also where the view's tables have gone: then it is being made anew."""

    def __init__(self, view: str, url: str, size: int) -> None:
        self.database = database(url)
        self._view = view
        self._url = url
        self._size = size
        self._writing = Session(lambda: self._connect(_WRITING))
        self._asking: asyncpg.Pool | None = None

    async def open(self) -> None:
        with self._reaching():
            self._asking = await asyncpg.create_pool(
                self._url,
                min_size=0,  # a pool that must keep one logs every attempt while the server is down
                max_inactive_connection_lifetime=0,
                max_size=self._size,
                timeout=PATIENCE,
                command_timeout=PATIENCE,
                server_settings=_SETTINGS,
                reset=_nothing_to_reset,
            )

    async def close(self) -> None:
        asking, self._asking = self._asking, None
        await self._writing.close()
        if asking is not None:
            await _closed(asking)

    @contextmanager
    def writing(self, *, committing: bool = False) -> Iterator[Session]:
        """Raises Superseded where the tables have gone."""
        self._opened()
        with reaching(self.database, committing=committing):
            try:
                yield self._writing
            except asyncpg.UndefinedTableError as error:
                raise Superseded from error

    @asynccontextmanager
    async def asking(self, *, committing: bool = False) -> AsyncIterator[Connection]:
        with self._reaching(committing=committing):
            async with self._opened().acquire() as connection:
                yield connection

    @asynccontextmanager
    async def one_moment(self) -> AsyncIterator[Connection]:
        """All that is read is of the same moment."""
        async with (
            self.asking() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    @asynccontextmanager
    async def once(self) -> AsyncIterator[asyncpg.Connection]:
        """One of its own, also before `open`."""
        with self._reaching(committing=True):
            connection = await asyncpg.connect(self._url, timeout=PATIENCE)
            try:
                yield connection
            finally:
                await connection.close(timeout=1)

    async def lasting(self, **settings: str) -> asyncpg.Connection:
        """One for whoever keeps it. Raises what asyncpg raises."""
        return await self._connect(_SETTINGS | settings)

    async def _connect(self, settings: dict[str, str]) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url, timeout=PATIENCE, command_timeout=PATIENCE, server_settings=settings
        )

    def _opened(self) -> asyncpg.Pool:
        if self._asking is None:
            raise RuntimeError(f"the store of view {self._view} is not open")
        return self._asking

    @contextmanager
    def _reaching(self, *, committing: bool = False) -> Iterator[None]:
        try:
            with reaching(self.database, committing=committing):
                yield
        except asyncpg.UndefinedTableError as error:
            raise StoreUnavailable(f"The view {self._view} is being made anew") from error


async def _closed(pool: asyncpg.Pool) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _nothing_to_reset(_: object) -> None:
    """Saves a round trip a statement: nothing here leaves anything behind in a session."""
