"""Leadership among handles of one store in memory."""

from __future__ import annotations

import asyncio


class Leadership:
    """Who leads: one session, which lasts until its event is set."""

    def __init__(self) -> None:
        self.possible = asyncio.Event()
        self.possible.set()
        self._lock = asyncio.Lock()
        self._session: asyncio.Event | None = None

    async def begin(self) -> asyncio.Event:
        """Waits until nobody leads, and as long as leading is impossible."""
        await self._lock.acquire()
        try:
            await self.possible.wait()
        except asyncio.CancelledError:
            self._lock.release()
            raise
        self._session = asyncio.Event()
        return self._session

    def end(self, session: asyncio.Event | None = None) -> None:
        """Ends `session` if it leads; without an argument whoever leads, as a restart of
        the server or a process that stood still would."""
        if self._session is not None and session in (None, self._session):
            self._session.set()
            self._session = None
            self._lock.release()


class MemoryLease:
    """See `bus.store.port.Lease`."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership
        self._session: asyncio.Event | None = None

    @property
    def held(self) -> bool:
        return self._session is not None and not self._session.is_set()

    async def acquire(self) -> None:
        await self.release()
        self._session = await self._leadership.begin()

    async def lost(self) -> None:
        if self._session is not None:
            await self._session.wait()

    async def release(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._leadership.end(session)
            session.set()
