"""Makes sure that what is committed is on disk: many who ask, one wait.

Whoever reads what was appended a moment ago (see writing.py) must not see what a crash could
still take back.
"""

from __future__ import annotations

import asyncio

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from bus.store.outages import reaching
from bus.store.port import StoreUnavailable
from bus.store.session import Connect, end

_FLUSH = "select reach_disk()"


class Flushing:
    """One session. A server that crashes ends it: so if it has begun before a commit and
    still answers after it, the server has seen no crash in between.
    """

    def __init__(
        self, connection: asyncpg.Connection, statement: PreparedStatement, name: str
    ) -> None:
        self._connection = connection
        self._statement = statement
        self._name = name
        self._turn = asyncio.Lock()
        self._begun = 0
        self._done = 0

    @property
    def open(self) -> bool:
        return not self._connection.is_closed()

    async def flush(self) -> None:
        """Returns when all is on disk that was committed before this call.

        Raises StoreUnavailable, `unknown`: whether it is, nobody knows then.
        """
        before = self._begun
        async with self._turn:
            if self._done > before:  # one that began after this call
                return
            self._begun += 1
            number = self._begun
            try:
                with reaching(self._name, committing=True):
                    await self._statement.fetchval()
            except StoreUnavailable as error:
                raise StoreUnavailable(str(error), unknown=True) from error
            self._done = number

    async def close(self) -> None:
        async with self._turn:
            await end(self._connection)


class Flusher:
    """The session of now; a new one where that has ended."""

    def __init__(self, connect: Connect, name: str) -> None:
        self._connect = connect
        self._name = name
        self._opening = asyncio.Lock()
        self._session: Flushing | None = None

    async def session(self) -> Flushing:
        """Raises StoreUnavailable."""
        if self._session is not None and self._session.open:
            return self._session
        async with self._opening:
            if self._session is None or not self._session.open:
                with reaching(self._name):
                    connection = await self._connect()
                    statement = await connection.prepare(_FLUSH)
                self._session = Flushing(connection, statement, self._name)
            return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
