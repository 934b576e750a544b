"""NATS, Postgres and Valkey: the user's own where a URL names them, else started here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncpg

from bus.embedded import (
    EmbeddedError,
    NatsServer,
    PortTaken,
    PostgresServer,
    Server,
    ValkeyServer,
    create_database,
)
from bus.settings import Settings, database_name, database_variable
from scripts.supervisor.home import Home, Remembered
from scripts.supervisor.trouble import Trouble

NATS_PORT = 4222
VIEWS = "views"


class Servers:
    """After `start`: `urls` by environment variable, `notes` for the person who started it.

    `own` holds the user's URLs; `owners` are the domains and the views, one database each.
    """

    def __init__(
        self, home: Home, own: Settings, owners: Sequence[str], nats_port: int | None = None
    ) -> None:
        self._home = home
        self._own = own.environment
        self._owners = owners
        self._nats_port = nats_port
        self._ports = home.remembered().ports
        self.embedded: list[Server] = []
        self.urls: dict[str, str] = {}
        self.notes: list[str] = []

    async def start(self) -> None:
        """Raises Trouble; then what was started is still running: call `stop`."""
        results = await asyncio.gather(
            self._nats(), self._postgres(), self._valkey(), return_exceptions=True
        )
        for error in results:
            if isinstance(error, EmbeddedError):
                raise Trouble(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
            if isinstance(error, BaseException):
                raise error
        ours = {s.name: s.port for s in self.embedded}
        self._home.remember(Remembered({**self._ports, **ours}, self._embedded_urls()))

    async def stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self.embedded))

    async def _nats(self) -> None:
        if self._own.get("NATS_URL"):
            self.urls["NATS_URL"] = self._own["NATS_URL"]
            return
        folder = self._home.path / "nats"
        if self._nats_port is not None:
            server = await self._on(NatsServer, folder, [self._nats_port])
        else:
            server = await self._on(
                NatsServer, folder, [NATS_PORT, self._ports.get(NatsServer.name)]
            )
            if server.port != NATS_PORT:
                self.notes.append(f"Port {NATS_PORT} is taken, so NATS is on {server.port}.")
        self.urls["NATS_URL"] = server.url

    async def _valkey(self) -> None:
        if self._own.get("REDIS_URL"):
            self.urls["REDIS_URL"] = self._own["REDIS_URL"]
            return
        folder = self._home.path / "valkey"
        server = await self._on(ValkeyServer, folder, [self._ports.get(ValkeyServer.name), None])
        self.urls["REDIS_URL"] = server.url

    async def _postgres(self) -> None:
        given = {o: url for o in self._owners if (url := self._own.get(database_variable(o)))}
        missing = [owner for owner in self._owners if owner not in given]
        if missing:
            server = self._own.get("TRUEUP_DATABASE_URL") or (await self._embedded_postgres()).url
            for owner in missing:
                given[owner] = await _database(server, owner)
        self.urls.update({database_variable(owner): given[owner] for owner in self._owners})

    async def _embedded_postgres(self) -> Server:
        folder = self._home.path / "postgres"
        return await self._on(PostgresServer, folder, [self._ports.get(PostgresServer.name), None])

    async def _on(
        self, make: Callable[[Path, int | None], Server], folder: Path, ports: Sequence[int | None]
    ) -> Server:
        """Starts a server on the first of `ports` that is not taken; None is a free one."""
        for attempt, port in enumerate(ports, 1):
            server = make(folder, port)
            try:
                await server.start()
            except PortTaken:
                if attempt == len(ports):
                    raise
            else:
                self.embedded.append(server)
                return server
        raise AssertionError("no ports to try")

    def _embedded_urls(self) -> dict[str, str]:
        """Those of `urls` that name servers of ours."""
        return {n: url for n, url in self.urls.items() if self._own.get(n) != url}


async def _database(server: str, owner: str) -> str:
    try:
        return await create_database(server, database_name(owner))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        place = server.rpartition("@")[2]
        raise Trouble(
            f"Postgres at {place} gives no database {database_name(owner)}: {error}. "
            f"Check TRUEUP_DATABASE_URL, or name a database in {database_variable(owner)}."
        ) from error
