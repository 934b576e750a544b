"""An embedded server that is kept running."""

from __future__ import annotations

from bus.embedded import NatsServer, Server
from scripts.supervisor.part import GRACE, Changed, Part


class ServerPart(Part):
    """An embedded server that has been started already."""

    def __init__(self, server: Server, changed: Changed) -> None:
        super().__init__(server.name, "server", changed)
        self._server = server

    @property
    def pid(self) -> int | None:
        return self._server.pid

    @property
    def crippled(self) -> bool:
        """Whether it runs but can't work until it is started again."""
        nats = self._server
        return isinstance(nats, NatsServer) and nats.running and not nats.intact

    async def stop(self, grace: float = GRACE) -> None:
        self._stopping.set()
        if grace:
            await self._server.stop()
        else:
            self._server.kill()

    def kill(self) -> None:
        self._server.kill()

    async def _start(self) -> None:
        await self._server.start()

    async def _ended(self) -> None:
        await self._server.ended()
