"""Appends that others may build on before they are on disk; schema_3.sql says how.

Each is one statement with two answers: a notice as soon as it is committed, and its end when
it is on disk. Meanwhile another session writes the next one.
"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from bus.store import appending
from bus.store.outages import reaching
from bus.store.port import Append, Head, Landed, StoreUnavailable
from bus.store.session import Connect, Session

_APPEND = "call append_at_once($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null, null, null)"


class Writers:
    """As many sessions as there are appends at a time. `name` is the database's."""

    def __init__(self, connect: Connect, name: str) -> None:
        self._connect = connect
        self._name = name
        self._all: list[_Writer] = []
        self._free: list[_Writer] = []

    async def open(self) -> None:
        writer = self._take()
        await writer.session.open()
        self._free.append(writer)

    async def close(self) -> None:
        """Lets what is being written come to its end."""
        for writer in self._all:
            await writer.session.close()

    async def write(self, append: Append) -> Landed:
        """As the port says."""
        writer = self._take()
        landed = writer.landed = asyncio.get_running_loop().create_future()
        whole = asyncio.create_task(writer.write(append))

        def ended(_: asyncio.Task[Head]) -> None:
            self._free.append(writer)
            if not landed.done():
                landed.set_result(None)

        whole.add_done_callback(ended)
        # It ends without a notice where it fails, or where the server was told to give none.
        head = await landed or await whole
        return Landed(head, lambda: _safe(whole))

    def _take(self) -> _Writer:
        if self._free:
            return self._free.pop()
        writer = _Writer(self._connect, self._name)
        self._all.append(writer)
        return writer


class _Writer:
    """One append at a time; `landed` is done when it is committed, with None when it ends."""

    def __init__(self, connect: Connect, name: str) -> None:
        self._connect = connect
        self._name = name
        self.session = Session(self._listening)
        self.landed: asyncio.Future[Head | None] | None = None

    async def write(self, append: Append) -> Head:
        """Returns when it is on disk. Raises Conflict; StoreUnavailable."""
        if self.session.ended:
            with reaching(self._name):
                await self.session.open()
        with reaching(self._name, committing=True):
            return await appending.write(self.session, append, _APPEND)

    async def _listening(self) -> asyncpg.Connection:
        connection = await self._connect()
        connection.add_log_listener(self._noticed)
        return connection

    def _noticed(self, _: object, notice: Any) -> None:
        word, *rest = str(notice.message).split(" ")
        if word == "landed" and self.landed is not None and not self.landed.done():
            position, digest = rest
            self.landed.set_result(Head(int(position), bytes.fromhex(digest)))


async def _safe(whole: asyncio.Task[Head]) -> None:
    try:
        await whole
    except StoreUnavailable as error:
        raise StoreUnavailable(str(error), unknown=True) from error
