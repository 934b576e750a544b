"""Leadership of a domain or a view: an advisory lock on a Postgres session of its own.

The session ends when it stands still for three seconds, so that a process that is paused
or cut off loses the lock; without that it would keep it for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg

from bus.store.outages import OUTAGES, reaching

IDLE = 3.0
"""Seconds after which the server ends a session that stands still."""
TOUCH = 1.0
"""Seconds between signs of life."""
RETRY = 0.5
"""Seconds between attempts to reach a database that can't be reached."""
TRY = 0.2
"""Seconds between attempts to get the lock. A statement that waits for it would keep its snapshot,
and with it all row versions that are written meanwhile, for as long as another process leads."""

DOMAIN = "leader"
"""What is led where nothing else is named."""

Connect = Callable[[], Awaitable[asyncpg.Connection]]


class PostgresLease:
    """See `bus.store.port.Lease`. `connect` opens a session that ends after IDLE seconds; `name`
    is the database's. There is one leader for each `what` in a schema of it."""

    def __init__(self, connect: Connect, name: str, what: str = DOMAIN) -> None:
        self._connect = connect
        self._name = name
        self._what = what
        self._until = 0.0
        self._connection: asyncpg.Connection | None = None
        self._touching: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._gone.set()

    @property
    def held(self) -> bool:
        """The server ends the session IDLE seconds after the last sign of life has come to it,
        which was not before it was sent."""
        return not self._gone.is_set() and asyncio.get_running_loop().time() < self._until

    async def acquire(self) -> None:
        await self.release()
        while True:
            if await self._try():
                return
            await asyncio.sleep(RETRY)

    async def lost(self) -> None:
        await self._gone.wait()

    async def release(self) -> None:
        touching, self._touching = self._touching, None
        connection, self._connection = self._connection, None
        if touching is not None:
            touching.cancel()
            await asyncio.wait([touching])
        if connection is not None:
            await _end(connection)
        self._gone.set()

    async def _try(self) -> bool:
        """Tries to get the lock as long as the database can be reached."""
        try:
            connection = await self._connect()
        except OUTAGES:
            return False
        try:
            await self._lock(connection)
            await self._sign(connection, IDLE)  # nobody knows when the lock was given
        except OUTAGES:
            await _end(connection)
            return False
        except asyncio.CancelledError:
            await _end(connection)
            raise
        self._hold(connection)
        return True

    async def _lock(self, connection: asyncpg.Connection) -> None:
        while True:
            if await connection.fetchval(_locking(self._what), timeout=IDLE):
                return
            await asyncio.sleep(TRY)

    def _hold(self, connection: asyncpg.Connection) -> None:
        self._gone = asyncio.Event()
        gone = self._gone
        connection.add_termination_listener(lambda _: gone.set())
        if connection.is_closed():
            gone.set()
        self._connection = connection
        self._touching = asyncio.create_task(self._touch(connection, gone))

    async def _touch(self, connection: asyncpg.Connection, gone: asyncio.Event) -> None:
        """Keeps the session alive; one that does not answer in time is as good as gone."""
        try:
            while not gone.is_set():
                await asyncio.sleep(TOUCH)
                with reaching(self._name):
                    await self._sign(connection, IDLE - TOUCH)
        except Exception:
            connection.terminate()
        finally:
            gone.set()

    async def _sign(self, connection: asyncpg.Connection, patience: float) -> None:
        sent = asyncio.get_running_loop().time()
        await connection.execute("select", timeout=patience)
        self._until = sent + IDLE


def _locking(what: str) -> str:
    text = f"'trueup {what} in ' || current_setting('search_path')"
    return f"select pg_try_advisory_lock(hashtextextended({text}, 0))"


async def _end(connection: asyncpg.Connection) -> None:
    with contextlib.suppress(*OUTAGES):
        await connection.close(timeout=TOUCH)
