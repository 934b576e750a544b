"""The parser: messages whole or in pieces, and what is no protocol at all."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from nats.errors import ProtocolError

from bus.broker.incoming import Incoming, Listener

Message = tuple[int, bytes, bytes, bytes, bytes | None]

TEXT = (
    b"MSG evt.a 1 5\r\nhello\r\n"
    b"PING\r\n"
    b"MSG evt.b 2 _INBOX.x 7\r\nMSG\r\n 1\r\n"
    b"HMSG evt.c 3 14 14\r\nNATS/1.0\r\na:\r\n\r\n"
    b"+OK\r\n"
    b"HMSG evt.d 4 _INBOX.y 12 14\r\nNATS/1.0\r\n\r\n{}\r\n"
    b"MSG evt.e 5 0\r\n\r\n"
)
MESSAGES = [
    (1, b"evt.a", b"", b"hello", None),
    (2, b"evt.b", b"_INBOX.x", b"MSG\r\n 1", None),
    (3, b"evt.c", b"", b"", b"NATS/1.0\r\na:\r\n"),
    (4, b"evt.d", b"_INBOX.y", b"{}", b"NATS/1.0\r\n\r\n"),
    (5, b"evt.e", b"", b"", None),
]


def listeners(found: list[Message]) -> Mapping[int, Listener]:
    def listener(number: int) -> Listener:
        return lambda *message: found.append((number, *message))

    return {number: listener(number) for number in range(1, 6)}


class Client:
    def __init__(self) -> None:
        self.pings = 0

    async def _process_ping(self) -> None:
        self.pings += 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 30, 1000])
async def test_messages_arrive_whatever_pieces_they_come_in(size: int) -> None:
    client, found = Client(), list[Message]()
    incoming = Incoming(client, listeners(found))
    for at in range(0, len(TEXT), size):
        await incoming.parse(TEXT[at : at + size])
    assert found == MESSAGES
    assert client.pings == 1


@pytest.mark.parametrize("line", [b"MSG evt.a\r\n", b"MSG evt.a x 2\r\nab\r\n", b"NONSENSE\r\n"])
async def test_what_is_no_protocol_asks_for_another_connection(line: bytes) -> None:
    incoming = Incoming(Client(), listeners([]))
    with pytest.raises(ProtocolError):
        await incoming.parse(line)


async def test_after_a_reset_nothing_of_the_old_connection_is_left() -> None:
    client, found = Client(), list[Message]()
    incoming = Incoming(client, listeners(found))
    await incoming.parse(b"MSG evt.a 1 500\r\nhel")
    incoming.reset()
    await incoming.parse(TEXT)
    assert found == MESSAGES
