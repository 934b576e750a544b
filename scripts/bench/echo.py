"""Answers every request at once: against it one sees what the load itself can do."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

from scripts.bench.wire import CONNECT, connected

SUBJECT = "echo."
ANSWER = b'{"status":"accepted","id":"the-same-length","version":1,"position":1000000}'


class Echo(asyncio.Protocol):
    def __init__(self) -> None:
        self._rest = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(CONNECT + f"SUB {SUBJECT}> 1\r\nPING\r\n".encode())

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Bodies hold no line ends here, so that lines are enough."""
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        out = [self._answer(line) for line in lines]
        self._transport.write(b"".join(out))

    def _answer(self, line: bytes) -> bytes:
        if line.startswith(b"MSG "):
            reply = line.split(b" ")[3]
            return b"PUB %s %d\r\n%s\r\n" % (reply, len(ANSWER), ANSWER)
        if line == b"PONG":
            print("ready", flush=True)
        return b"PONG\r\n" if line == b"PING" else b""


async def main(url: str) -> None:
    await (await connected(url, Echo)).ended


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
