"""A connection for the statements of the hot path: prepared once, and nothing around them.

A pool's acquire, release and reset took longer than the statement itself (a third of the
time of a batch of ten commands).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from bus.store.outages import OUTAGES

Connect = Callable[[], Awaitable[asyncpg.Connection]]


class Fetches(Protocol):
    """What a statement needs of a connection, a pool's or a session's."""

    async def fetch(self, statement: str, /, *arguments: Any) -> Sequence[asyncpg.Record]: ...

    async def fetchrow(self, statement: str, /, *arguments: Any) -> asyncpg.Record | None: ...

    def is_in_transaction(self) -> bool: ...


class Session:
    """One statement at a time, each in a transaction of its own. A new connection where the
    last has ended. Raises what asyncpg raises.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._prepared: dict[str, PreparedStatement] = {}

    @property
    def ended(self) -> bool:
        return self._connection is None or self._connection.is_closed()

    async def open(self) -> None:
        async with self._turn:
            await self._opened()

    async def close(self) -> None:
        """Lets a statement that is under way end."""
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                await end(connection)

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        async with self._turn:
            try:
                return await (await self._statement(statement)).fetch(*arguments)
            except asyncpg.InvalidCachedStatementError:  # a new format of the store: not run
                self._prepared.clear()
                return await (await self._statement(statement)).fetch(*arguments)

    async def fetchrow(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        rows = await self.fetch(statement, *arguments)
        return rows[0] if rows else None

    def is_in_transaction(self) -> bool:
        return False

    async def _statement(self, statement: str) -> PreparedStatement:
        if self.ended:
            await self._opened()
        prepared = self._prepared.get(statement)
        if prepared is None:
            assert self._connection is not None
            prepared = self._prepared[statement] = await self._connection.prepare(statement)
        return prepared

    async def _opened(self) -> None:
        if self.ended:
            self._prepared.clear()
            self._connection = await self._connect()


async def end(connection: asyncpg.Connection) -> None:
    with contextlib.suppress(*OUTAGES):
        await connection.close(timeout=1)
