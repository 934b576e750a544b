"""Requests and answers: one each, to whoever asked and nowhere else."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bus.broker.port import (
    BrokerUnavailable,
    Endpoint,
    MessageTooLarge,
    NoResponders,
    Request,
)
from tests.contract.broker.conftest import Net
from tests.contract.broker.waiting import BOUND, until


def echo(request: Request) -> None:
    request.respond(request.body, {"Seen": request.subject})


async def test_a_request_is_answered(net: Net) -> None:
    server, client = await net.broker(), await net.broker()
    await server.subscribe(f"qry.{net.domain}.>", echo)
    reply = await client.request(f"qry.{net.domain}.get.o-1", b"\x00\xff\r\n")
    assert reply.body == b"\x00\xff\r\n"
    assert reply.headers == {"Seen": f"qry.{net.domain}.get.o-1"}


async def test_where_nobody_serves_the_asker_is_told_at_once(net: Net) -> None:
    broker = await net.broker()
    with pytest.raises(NoResponders):
        await broker.request(f"cmd.{net.domain}.PlaceOrder.o-1", b"{}")


async def test_no_answer_in_time_is_an_error(net: Net) -> None:
    broker = await net.broker()
    await broker.subscribe(f"cmd.{net.domain}.>", lambda request: None)
    with pytest.raises(BrokerUnavailable):
        await broker.request(f"cmd.{net.domain}.PlaceOrder.o-1", timeout=0.05)


async def test_subjects_match_token_by_token(net: Net) -> None:
    broker = await net.broker()
    seen: list[str] = []
    await broker.subscribe(f"evt.*.{net.domain}.>", lambda request: seen.append(request.subject))
    subjects = ["a.b", "a", "a.b.c"]
    for rest in subjects:
        await broker.publish(f"evt.x.{net.domain}.{rest}", b"")
    for other in (f"evt.x.{net.domain}", f"evt.x.y.{net.domain}.a", f"evt.{net.domain}.a"):
        await broker.publish(other, b"")
    await broker.publish(f"evt.x.{net.domain}.last", b"")
    await until(lambda: f"evt.x.{net.domain}.last" in seen)
    assert seen == [f"evt.x.{net.domain}.{rest}" for rest in [*subjects, "last"]]


async def test_a_queue_group_handles_each_request_once(net: Net) -> None:
    handled: Counter[bytes] = Counter()
    shares: Counter[int] = Counter()
    client = await net.broker()
    for process in range(3):

        def handle(request: Request, process: int = process) -> None:
            handled[request.body] += 1
            shares[process] += 1
            request.respond(b"done")

        server = await net.broker()
        await server.subscribe(f"cmd.{net.domain}.>", handle, queue="q")
    subject = f"cmd.{net.domain}.PlaceOrder.o-1"
    await asyncio.gather(*(client.request(subject, b"%d" % n) for n in range(300)))
    assert handled == {b"%d" % n: 1 for n in range(300)}
    assert sorted(shares) == [0, 1, 2]


async def test_without_a_queue_group_everybody_hears_it(net: Net) -> None:
    heard: list[int] = []
    for process in range(3):

        def handle(_: Request, process: int = process) -> None:
            heard.append(process)

        await (await net.broker()).subscribe(f"hint.{net.domain}", handle)
    await net.brokers[0].publish(f"hint.{net.domain}", b"")
    await until(lambda: sorted(heard) == [0, 1, 2])


async def test_headers_come_as_sent_and_never_go_back(net: Net) -> None:
    broker = await net.broker()
    seen: list[Request] = []

    def handle(request: Request) -> None:
        seen.append(request)
        request.respond(b"")

    await broker.subscribe(f"cmd.{net.domain}.>", handle)
    sent = {"Nats-Msg-Id": "id-1", "traceparent": "00-a", "X": "Grüße: a:b"}
    reply = await broker.request(f"cmd.{net.domain}.PlaceOrder.o-1", b"{}", sent)
    assert seen[0].headers == sent
    assert reply.headers == {}


async def test_a_line_break_in_a_header_ends_nothing(net: Net) -> None:
    broker = await net.broker()
    seen: list[Request] = []

    def handle(request: Request) -> None:
        seen.append(request)
        request.respond(b"", {"Nats-Service-Error": "first\r\nNats-Service-Error-Code: 1\0\nlast"})

    await broker.subscribe(f"cmd.{net.domain}.>", handle)
    evil = {"Nats-Msg-Id": "a\r\nExpected-Version: 9\r\n\r\nPUB evt.x 0\r\n\r\n"}
    reply = await broker.request(f"cmd.{net.domain}.PlaceOrder.o-1", b"{}", evil)
    assert list(seen[0].headers) == ["Nats-Msg-Id"]
    assert list(reply.headers) == ["Nats-Service-Error"]
    with pytest.raises(ValueError, match="no name for a header"):
        await broker.publish("hint.orders", b"", {"a\r\nb": "c"})


@pytest.mark.parametrize(
    "reply", ["evt.ordering.order.o-1.X", "$JS.API.STREAM.DELETE.X", "_INBOX", "_INBOXES.a", "a"]
)
async def test_an_answer_to_no_inbox_is_dropped_and_counted(net: Net, reply: str) -> None:
    server, stranger = await net.broker(), await net.broker()
    heard: list[str] = []
    await stranger.subscribe(reply, lambda request: heard.append(request.subject))
    await server.subscribe(f"cmd.{net.domain}.>", echo)
    await net.stranger_sends(f"cmd.{net.domain}.PlaceOrder.o-1", b"{}", reply=reply)
    await until(lambda: net.brokers[0].dropped_replies == 1)
    await stranger.request(f"cmd.{net.domain}.PlaceOrder.o-1")
    assert heard == []


async def test_a_message_without_reply_is_handled_and_not_answered(net: Net) -> None:
    broker = await net.broker()
    seen: list[str] = []

    def handle(request: Request) -> None:
        seen.append(request.reply)
        request.respond(b"to nobody")

    await broker.subscribe(f"cmd.{net.domain}.>", handle)
    await broker.publish(f"cmd.{net.domain}.PlaceOrder.o-1", b"{}")
    await until(lambda: seen == [""])
    assert net.brokers[0].dropped_replies == 0


async def test_only_the_first_answer_counts(net: Net) -> None:
    broker = await net.broker()
    seen: list[bytes] = []

    def handle(request: Request) -> None:
        request.respond(b"first")
        request.respond(b"second")

    await broker.subscribe(f"cmd.{net.domain}.>", handle)
    await broker.subscribe(f"_INBOX.{net.domain}", lambda request: seen.append(request.body))
    reply = f"_INBOX.{net.domain}"
    await net.stranger_sends(f"cmd.{net.domain}.PlaceOrder.o-1", b"{}", reply=reply)
    assert (await broker.request(f"cmd.{net.domain}.PlaceOrder.o-1")).body == b"first"
    assert seen == [b"first"]


async def test_a_handler_that_raises_is_answered_for_and_goes_on(net: Net) -> None:
    broker = await net.broker()

    def handle(request: Request) -> None:
        raise RuntimeError(request.subject)

    await broker.subscribe(f"cmd.{net.domain}.>", handle)
    for _ in range(2):
        reply = await broker.request(f"cmd.{net.domain}.PlaceOrder.o-1")
        assert reply.headers["Nats-Service-Error-Code"] == "500"
        assert b'"unavailable"' in reply.body


async def test_what_is_too_large_is_not_sent(net: Net) -> None:
    broker = await net.broker()
    await broker.subscribe(f"cmd.{net.domain}.>", echo)
    subject = f"cmd.{net.domain}.PlaceOrder.o-1"
    with pytest.raises(MessageTooLarge):
        await broker.request(subject, bytes(broker.max_payload + 1))
    with pytest.raises(MessageTooLarge):
        await broker.publish(subject, bytes(broker.max_payload - 10), {"Nats-Msg-Id": "long"})
    assert len((await broker.request(subject, bytes(100))).body) == 100
    assert broker.reconnects == 0


async def test_an_answer_that_is_too_large_becomes_an_error(net: Net) -> None:
    broker = await net.broker()
    await broker.subscribe(f"log.{net.domain}.read", lambda r: r.respond(bytes(2_000_000)))
    reply = await broker.request(f"log.{net.domain}.read")
    assert reply.headers["Nats-Service-Error-Code"] == "500"
    assert b"AnswerTooLarge" in reply.body
    assert broker.reconnects == 0


@pytest.mark.parametrize("subject", ["", "a b", "a.", ".a", "a..b", "a.*", "a.>", "a\r\nPUB b 0"])
async def test_what_is_no_subject_is_not_published_to(net: Net, subject: str) -> None:
    broker = await net.broker()
    with pytest.raises(ValueError, match="no subject"):
        await broker.publish(subject, b"")
    with pytest.raises(ValueError, match="no subject"):
        await broker.request(subject, b"")


async def test_after_stopping_only_what_was_handed_over_is_answered(net: Net) -> None:
    server, client = await net.broker(), await net.broker()
    held: list[Request] = []
    serving = await server.subscribe(f"cmd.{net.domain}.>", held.append, queue="q")
    asking = asyncio.create_task(client.request(f"cmd.{net.domain}.PlaceOrder.o-1"))
    await until(lambda: len(held) == 1)
    await serving.stop()
    with pytest.raises(NoResponders):
        await client.request(f"cmd.{net.domain}.PlaceOrder.o-2")
    held[0].respond(b"late")
    assert (await asking).body == b"late"


async def test_stopping_loses_no_request_that_is_on_its_way(net: Net) -> None:
    server, client = await net.broker(), await net.broker()
    seen: list[Request] = []
    stopping: list[asyncio.Task[None]] = []

    def handle(request: Request) -> None:
        seen.append(request)
        request.respond(b"")
        if len(seen) == 1:
            stopping.append(asyncio.create_task(serving.stop()))

    serving = await server.subscribe(f"cmd.{net.domain}.>", handle, queue="q")
    subject = f"cmd.{net.domain}.PlaceOrder.o-1"
    asking = [asyncio.create_task(client.request(subject, timeout=3600)) for _ in range(2000)]
    await until(lambda: all(task.done() for task in asking))
    answered = [task for task in asking if task.exception() is None]
    assert len(answered) == len(seen)
    assert all(isinstance(t.exception(), NoResponders) for t in asking if t not in answered)
    await stopping[0]


async def test_requests_can_be_cancelled_at_any_moment(net: Net) -> None:
    broker = await net.broker()
    await broker.subscribe(f"cmd.{net.domain}.>", echo)
    asked = 0

    async def ask_for_ever() -> None:
        nonlocal asked
        while True:
            await broker.request(f"cmd.{net.domain}.PlaceOrder.o-1")
            asked += 1

    for n in range(1, 30):
        asking = asyncio.create_task(ask_for_ever())
        await until(lambda enough=asked + n: asked >= enough)  # type: ignore[misc]
        asking.cancel()
        await asyncio.wait([asking], timeout=BOUND)
        assert asking.cancelled()


async def test_a_broken_connection_fails_what_waits_and_serves_on(net: Net) -> None:
    broker = await net.broker()
    held: list[Request] = []
    await broker.subscribe(f"cmd.{net.domain}.Hold.>", held.append)
    await broker.subscribe(f"cmd.{net.domain}.Echo.>", echo)
    asking = asyncio.create_task(broker.request(f"cmd.{net.domain}.Hold.o-1", timeout=3600))
    await until(lambda: len(held) == 1)
    await net.break_connection(broker)
    await until(asking.done)
    assert isinstance(asking.exception(), BrokerUnavailable)
    assert broker.reconnects == 1
    assert (await broker.request(f"cmd.{net.domain}.Echo.o-1", b"there")).body == b"there"


async def test_what_was_published_before_closing_arrives(net: Net) -> None:
    server, client = await net.broker(), await net.broker()
    seen: list[bytes] = []
    await server.subscribe(f"hint.{net.domain}", lambda request: seen.append(request.body))
    for n in range(500):
        await client.publish(f"hint.{net.domain}", b"%d" % n)
    await client.close()
    await until(lambda: len(seen) == 500)
    with pytest.raises(BrokerUnavailable):
        await client.publish(f"hint.{net.domain}", b"")


async def test_requests_in_great_number_get_each_its_own_answer(net: Net) -> None:
    server, client = await net.broker(), await net.broker()
    name = f"cmd.{net.domain}.PlaceOrder"
    await server.serve(net.domain, "", "0.1.0", [Endpoint("PlaceOrder", f"{name}.>", echo)])
    replies = await asyncio.gather(
        *(client.request(f"{name}.o-{n}", b"%d" % n) for n in range(3000))
    )
    assert [reply.body for reply in replies] == [b"%d" % n for n in range(3000)]
