"""As much of NATS's protocol as a load needs.

https://docs.nats.io/reference/reference-protocols/nats-protocol
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast
from urllib.parse import urlsplit

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n'
INBOX = "_INBOX.bench"
ERROR = b"Nats-Service-Error"

P = TypeVar("P", bound=asyncio.Protocol)


class Wire(asyncio.Protocol):
    """One connection. `deliver(client, body, error)` is called with each answer."""

    def __init__(self) -> None:
        self.deliver: Callable[[int, bytes, bool], None] = _nowhere
        self._rest = b""
        self._out: list[bytes] = []
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(CONNECT + f"SUB {INBOX}.* 1\r\nPING\r\n".encode())

    async def ready(self) -> None:
        await self._ready

    def close(self) -> None:
        self._transport.close()

    def ask(self, subject: str, client: int, body: str) -> None:
        """Is written when what has arrived is taken apart, or the caller returns."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(f"PUB {subject} {INBOX}.{client} {len(body)}\r\n{body}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        at = 0
        while (end := data.find(b"\r\n", at)) >= 0:
            if data[at : at + 4] in (b"MSG ", b"HMSG"):
                after = self._message(data[at:end], data, end + 2)
                if after is None:
                    break
                at = after
            else:
                self._line(data[at:end])
                at = end + 2
        self._rest = data[at:]
        self._flush()

    def _message(self, line: bytes, data: bytes, start: int) -> int | None:
        tokens = line.split(b" ")
        stop = start + int(tokens[-1])
        if len(data) < stop + 2:
            return None
        client = int(tokens[1].rpartition(b".")[2])
        body = start + int(tokens[-2]) if line.startswith(b"H") else start
        self.deliver(client, data[body:stop], ERROR in data[start:body])
        return stop + 2

    def _line(self, line: bytes) -> None:
        if line == b"PING":
            self._transport.write(b"PONG\r\n")
        elif line == b"PONG" and not self._ready.done():
            self._ready.set_result(None)
        elif line.startswith(b"-ERR"):
            raise ConnectionError(line.decode())

    def _flush(self) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()


async def connected(url: str, protocol: Callable[[], P]) -> P:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    _, made = await asyncio.get_running_loop().create_connection(
        protocol, address.hostname, address.port
    )
    return made


def _nowhere(client: int, payload: bytes, error: bool) -> None:
    """Nobody has asked yet."""
