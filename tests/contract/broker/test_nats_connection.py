"""The connection to NATS: what strangers send can't hurt it, and it always comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from bus.broker import opening
from bus.broker.nats import NatsBroker
from bus.broker.port import BrokerUnavailable, Endpoint, Request
from bus.embedded import NatsServer
from bus.embedded.port import HOST, free_port
from tests.contract.broker.conftest import CrashingNet, NatsNet
from tests.contract.broker.waiting import until


def raw(subject: bytes, body: bytes, headers: bytes = b"", reply: bytes = b"_INBOX.x") -> bytes:
    sizes = b"%d %d" % (len(headers), len(headers) + len(body)) if headers else b"%d" % len(body)
    verb = b"HPUB" if headers else b"PUB"
    return b"%s %s %s %s\r\n%s%s\r\n" % (verb, subject, reply, sizes, headers, body)


NASTY = {
    "header block of one line": (b"o-1", b"{}", b"NATS/1.0", b"_INBOX.x"),
    "header block of rubbish": (b"o-1", b"{}", b"\xff\xfe\x00\r\n:\r\n\r\n", b"_INBOX.x"),
    "status that is no number": (b"o-1", b"", b"NATS/1.0 \xff\xff\xff\r\n\r\n", b"_INBOX.x"),
    "status of a server": (b"o-1", b"", b"NATS/1.0 503\r\n\r\n", b"_INBOX.x"),
    "header names with blanks": (b"o-1", b"{}", b"NATS/1.0\r\na b: c\r\n\r\n", b"_INBOX.x"),
    "subject that is no UTF-8": (b"\xff\xfe", b"{}", b"", b"_INBOX.x"),
    "subject with odd blanks": (b"a\x0bb\x0c\x1c", b"{}", b"", b"_INBOX.x"),
    "subject with wildcards": (b"*.>", b"{}", b"", b"_INBOX.x"),
    "reply that is no UTF-8": (b"o-1", b"{}", b"", b"_INBOX.\xff"),
    "reply with wildcards": (b"o-1", b"{}", b"", b"_INBOX.>"),
    "reply that is too long": (b"o-1", b"{}", b"", b"_INBOX." + b"x" * 3980),
    "reply into a stream": (b"o-1", b"{}", b"", b"evt.ordering.order.o-1.OrderPlaced"),
    "body that is no text": (b"o-1", bytes(range(256)), b"", b"_INBOX.x"),
}


@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY.keys())
async def test_nothing_that_strangers_send_stops_a_service(
    nats_net: NatsNet, nasty: tuple[bytes, bytes, bytes, bytes]
) -> None:
    broker = await nats_net.broker()
    seen: list[Request] = []

    def handle(request: Request) -> None:
        seen.append(request)
        request.respond(b"{}", {"Nats-Service-Error": request.subject})

    name = f"cmd.{nats_net.domain}.PlaceOrder"
    await broker.serve(nats_net.domain, "", "0.1.0", [Endpoint("PlaceOrder", f"{name}.>", handle)])
    subject, body, headers, reply = nasty
    await send_raw(nats_net.server, raw(f"{name}.".encode() + subject, body, headers, reply))
    await until(lambda: len(seen) == 1)
    assert seen[0].body == body
    assert (await broker.request(f"{name}.o-2", b"{}")).body == b"{}"
    assert broker.reconnects == 0
    answerable = reply in (b"_INBOX.x", b"_INBOX.\xff")
    assert broker.dropped_replies == (0 if answerable else 1)  # type: ignore[attr-defined]


async def test_what_the_server_objects_to_costs_one_connection(nats_net: NatsNet) -> None:
    broker = await nats_net.broker()
    await broker.subscribe(f"qry.{nats_net.domain}", lambda request: request.respond(b"here"))
    wire(broker).send(b"NONSENSE\r\n")
    await until(lambda: broker.reconnects == 1)
    assert (await broker.request(f"qry.{nats_net.domain}")).body == b"here"


async def test_a_stranger_can_not_answer_for_a_reader_or_an_inbox(nats_net: NatsNet) -> None:
    broker = await nats_net.broker()
    inbox = broker._connection.inbox.prefix  # type: ignore[attr-defined]
    await broker.publish(f"{inbox}.999", b"")
    await broker.publish(f"{inbox}.nonsense", b"")
    await broker.subscribe(f"qry.{nats_net.domain}", lambda request: request.respond(b"here"))
    assert (await broker.request(f"qry.{nats_net.domain}")).body == b"here"


async def test_an_answer_given_while_disconnected_is_sent_afterwards(nats_net: NatsNet) -> None:
    server, client = await nats_net.broker(), await nats_net.broker()
    held: list[Request] = []
    await server.subscribe(f"cmd.{nats_net.domain}.>", held.append)
    asking = asyncio.create_task(client.request(f"cmd.{nats_net.domain}.X.o-1"))
    await until(lambda: len(held) == 1)
    server._connection.watch(lambda: held[0].respond(b"late"))  # type: ignore[attr-defined]
    await nats_net.break_connection(server)
    assert (await asking).body == b"late"


async def test_answers_do_not_fill_the_memory_while_the_server_is_away(
    crashing: CrashingNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MAX_UNSENT", 1000)
    broker = await crashing.broker()
    held: list[Request] = []
    await broker.subscribe(f"cmd.{crashing.domain}.>", held.append)
    for n in range(20):
        await send_raw(crashing.server, raw(f"cmd.{crashing.domain}.X.o-{n}".encode(), b"{}"))
    await until(lambda: len(held) == 20)
    crashing.server.kill()
    await until(lambda: not wire(broker).is_connected)
    for request in held:
        request.respond(bytes(200))
    assert broker.dropped_replies >= 14  # type: ignore[attr-defined]


async def test_a_service_goes_on_after_its_server_was_killed(crashing: CrashingNet) -> None:
    server, client = await crashing.broker(), await crashing.broker()
    await server.subscribe(f"cmd.{crashing.domain}.>", lambda r: r.respond(r.body), queue="q")
    for turn in range(2):
        await crashing.crash_under(client)
        await until(lambda: server.reconnects == client.reconnects)
        body = b"%d" % turn
        assert (await client.request(f"cmd.{crashing.domain}.X.o-1", body)).body == body


async def test_what_is_closed_stays_closed_though_an_attempt_does_not_hear_of_it(
    crashing: CrashingNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = await crashing.broker()
    attempts = 0

    async def deaf(_: Client, server: object) -> None:
        nonlocal attempts
        attempts += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if attempts > 1:
                raise
        raise OSError("as Python 3.11 may have it")

    monkeypatch.setattr(Client, "_connect_to_server", deaf)
    crashing.server.kill()
    await until(lambda: attempts == 1)
    await broker.close()
    assert wire(broker).is_closed
    assert wire(broker)._reconnection_task.done()


async def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    url = f"nats://shop:secret@{HOST}:{free_port()}"
    with pytest.raises(BrokerUnavailable, match="can't be reached") as refused:
        await NatsBroker(url).open()
    assert url.replace("shop:secret@", "") in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_something_else_than_nats_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    with pytest.raises(BrokerUnavailable, match=str(port)):
        await NatsBroker(f"nats://{HOST}:{port}", connect_timeout=0.2).open()
    listener.close()


class LockedServer(NatsServer):
    """One that wants a password."""

    def _command(self) -> Sequence[str]:
        return [*super()._command(), "--user", "shop", "--pass", "secret"]

    async def _ping(self) -> None:
        _, writer = await asyncio.open_connection(HOST, self.port)
        writer.close()


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[LockedServer]:
    server = LockedServer(tmp_path / "nats")
    await server.start()
    yield server
    await server.stop()


async def test_user_and_password_may_stand_in_the_url(locked: LockedServer) -> None:
    address = f"{HOST}:{locked.port}"
    for broker in (
        NatsBroker(f"nats://shop:secret@{address}"),
        NatsBroker(f"nats://{address}", user="shop", password="secret"),
        NatsBroker(f"nats://{HOST}:{free_port()}, nats://shop:secret@{address}"),
    ):
        await broker.open()
        await broker.publish("hint.orders", b"")
        await broker.close()
    with pytest.raises(BrokerUnavailable, match="Authorization Violation"):
        await NatsBroker(f"nats://shop:wrong@{address}").open()


async def send_raw(server: NatsServer, data: bytes) -> None:
    reader, writer = await asyncio.open_connection(HOST, server.port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false,"headers":true,"pedantic":false}\r\n' + data)
    writer.write(b"PING\r\n")
    assert await reader.readline() == b"PONG\r\n"
    writer.close()


def wire(broker: object) -> Any:
    assert isinstance(broker, NatsBroker)
    return broker._connection.wire
