"""Whatever is sent, there is exactly one answer, it names the field and the rule, and
nothing has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import MaxPayloadError, NoRespondersError

from bus.testing.ground import RealGround
from bus.testing.mesh import Mesh
from domains.catalog.domain import DOMAIN as CATALOG
from domains.inventory.domain import DOMAIN as INVENTORY
from domains.ordering.domain import DOMAIN as ORDERING

LINE = (
    '{"customer_id":"c-7","lines":[{"sku":"tea-1","quantity":%s,'
    '"price":{"amount":100,"currency":"EUR"}}]}'
)
GOOD = LINE % 2
PRICE = '{"customer_id":"c-7","lines":[{"sku":"tea-1","quantity":1,"price":%s}]}'

# What is sent as the body of a PlaceOrder; the code that is answered; what the answer names.
BODIES: dict[str, tuple[bytes, str, str]] = {
    "malformed": (b'{"customer_id":', "MalformedJson", ""),
    "truncated": (GOOD[:-3].encode(), "MalformedJson", ""),
    "text behind it": (GOOD.encode() + b"x", "MalformedJson", ""),
    "bad UTF-8": (b'{"customer_id":"\xff\xfe","lines":[]}', "MalformedJson", ""),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), "MalformedJson", ""),
    "200,000 brackets": (b"[" * 200_000, "InvalidBody", ""),
    "200,000 brackets in a field": (b'{"lines":' + b"[" * 200_000, "InvalidBody", "lines[0]"),
    "200,000 brackets in an unknown field": (b'{"x":' + b"[" * 200_000, "InvalidBody", "x"),
    "NaN": ((LINE % "NaN").encode(), "MalformedJson", ""),
    "1e400": ((LINE % "1e400").encode(), "InvalidBody", "lines[0].quantity"),
    "5,000 digits": ((LINE % ("9" * 5000)).encode(), "InvalidBody", "lines[0].quantity"),
    "a string for a number": ((LINE % '"2"').encode(), "InvalidBody", "lines[0].quantity"),
    "true for a number": ((LINE % "true").encode(), "InvalidBody", "lines[0].quantity"),
    "null for a number": ((LINE % "null").encode(), "InvalidBody", "lines[0].quantity"),
    "an array for the body": (b"[]", "InvalidBody", ""),
    "a number for the body": (b"7", "InvalidBody", ""),
    "an unknown field": (GOOD[:-1].encode() + b',"gift":true}', "InvalidBody", "gift"),
    "a missing field": (b'{"customer_id":"c-7"}', "InvalidBody", "lines"),
    "an empty body": (b"", "InvalidBody", "customer_id"),
    "a negative quantity": ((LINE % "-1").encode(), "InvalidBody", "lines[0].quantity"),
    "no quantity": ((LINE % "0").encode(), "InvalidBody", "lines[0].quantity"),
    "a huge quantity": ((LINE % "1000001").encode(), "InvalidBody", "lines[0].quantity"),
    "float money": (
        (PRICE % '{"amount":1.5,"currency":"EUR"}').encode(),
        "InvalidBody",
        "lines[0].price.amount",
    ),
    "negative money": (
        (PRICE % '{"amount":-1,"currency":"EUR"}').encode(),
        "InvalidBody",
        "lines[0].price.amount",
    ),
    "no currency": (
        (PRICE % '{"amount":1,"currency":"euro"}').encode(),
        "InvalidBody",
        "lines[0].price.currency",
    ),
    "another currency": (
        b'{"customer_id":"c-7","lines":[{"sku":"a","quantity":1,"price":{"amount":1,"currency":"EUR"}},'
        b'{"sku":"b","quantity":1,"price":{"amount":1,"currency":"BRL"}}]}',
        "CurrencyMismatch",
        "",
    ),
    "NUL": (GOOD.replace("c-7", "c\\u0000").encode(), "InvalidBody", "customer_id"),
    "a lone surrogate": (GOOD.replace("c-7", "\\ud800").encode(), "MalformedJson", ""),
    "a line break in an id": (GOOD.replace("c-7", "c-7\\n").encode(), "InvalidBody", "customer_id"),
    "another id than the subject's": (GOOD[:-1].encode() + b',"id":"o-2"}', "IdMismatch", "id"),
    "another command's name": (
        GOOD[:-1].encode() + b',"type":"CancelOrder"}',
        "InvalidBody",
        "type",
    ),
    "no lines": (b'{"customer_id":"c-7","lines":[]}', "NoLines", ""),
}

IDS = ["a.b", "a*", "*", ">", "a.>", "x" * 65, "ü", "a/b", "a'b"]

HEADERS: dict[str, tuple[dict[str, str], str]] = {
    "a command id with a space": ({"Nats-Msg-Id": "a b"}, "Nats-Msg-Id"),
    "a command id of 65 characters": ({"Nats-Msg-Id": "x" * 65}, "Nats-Msg-Id"),
    "a version that is no number": ({"Expected-Version": "one"}, "Expected-Version"),
    "a negative version": ({"Expected-Version": "-1"}, "Expected-Version"),
}


@dataclass
class Sender:
    """Sends raw requests, and keeps whatever comes back to each of them."""

    client: Client
    mesh: Mesh

    async def answers(
        self, subject: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> list[Msg]:
        """All answers to one request, once a later request has been answered too."""
        found: list[Msg] = []
        answered = asyncio.Event()

        async def keep(message: Msg) -> None:
            found.append(message)
            answered.set()

        inbox = self.client.new_inbox()
        subscription = await self.client.subscribe(inbox, cb=keep)
        await self.client.publish(subject, body, reply=inbox, headers=headers)
        await asyncio.wait_for(answered.wait(), 10)
        await self.client.request("cmd.ordering.PlaceOrder.*", b"")
        await subscription.unsubscribe()
        return found

    async def books(self) -> dict[str, Any]:
        """All that the domains have written."""
        return {name: await store.head() for name, store in self.mesh.stores.items()}


@pytest.fixture
async def sender(real_ground: RealGround) -> AsyncIterator[Sender]:
    async with Mesh(real_ground, [ORDERING, INVENTORY, CATALOG]) as mesh:
        client = await nats.connect(real_ground.nats.url)
        yield Sender(client, mesh)
        await client.close()


async def test_every_bad_body_has_one_answer_that_names_field_and_rule(sender: Sender) -> None:
    before = await sender.books()
    for name, (body, code, field) in BODIES.items():
        answers = await sender.answers("cmd.ordering.PlaceOrder.o-1", body)
        assert len(answers) == 1, name
        answer = msgspec.json.decode(answers[0].data)
        assert (answer["code"], answer["details"].get("field", "")) == (code, field), name
        assert "Traceback" not in answer["message"], name
        assert answers[0].headers is not None
        number = answers[0].headers["Nats-Service-Error-Code"]
        assert number == ("400" if answer["status"] == "invalid" else "409"), name
    assert await sender.books() == before


async def test_ids_that_are_no_subject_tokens_are_invalid(sender: Sender) -> None:
    before = await sender.books()
    for id in IDS:
        (answer,) = await sender.answers(f"cmd.ordering.PlaceOrder.{id}", GOOD.encode())
        told = msgspec.json.decode(answer.data)
        assert (told["code"], told["details"]["field"]) == ("InvalidId", "id"), id
    assert await sender.books() == before


async def test_headers_are_checked_by_name(sender: Sender) -> None:
    before = await sender.books()
    for name, (headers, field) in HEADERS.items():
        (answer,) = await sender.answers("cmd.ordering.PlaceOrder.o-1", GOOD.encode(), headers)
        told = msgspec.json.decode(answer.data)
        assert (told["code"], told["details"]["field"]) == ("InvalidHeader", field), name
    assert await sender.books() == before


async def test_unknown_commands_and_domains_have_no_responders(sender: Sender) -> None:
    for subject in ("cmd.ordering.Nonsense.o-1", "cmd.nowhere.PlaceOrder.o-1", "cmd.ordering"):
        with pytest.raises(NoRespondersError):
            await sender.client.request(subject, GOOD.encode())


async def test_internal_commands_cannot_be_sent_from_outside(sender: Sender) -> None:
    for name in ("ConfirmOrder", "ExpireOrder", "RequestPayment"):
        with pytest.raises(NoRespondersError):
            await sender.client.request(f"cmd.ordering.{name}.o-1", b"{}")


async def test_a_body_over_max_payload_never_leaves_the_client(sender: Sender) -> None:
    with pytest.raises(MaxPayloadError):
        await sender.client.request("cmd.ordering.PlaceOrder.o-1", b"x" * (2 << 20))


async def test_a_reply_subject_that_is_no_inbox_gets_nothing(sender: Sender) -> None:
    seen: list[Msg] = []

    async def keep(message: Msg) -> None:
        seen.append(message)

    await sender.client.subscribe("evt.>", cb=keep)
    await sender.client.publish(
        "cmd.ordering.PlaceOrder.o-1", b"{}", reply="evt.ordering.order.o-1.OrderPlaced"
    )
    await sender.answers("cmd.ordering.PlaceOrder.o-2", b"{}")
    assert seen == []


async def test_forged_headers_reach_neither_the_stream_nor_the_answer(sender: Sender) -> None:
    forged = {"Nats-Expected-Last-Sequence": "9999", "Nats-Expected-Stream": "X", "X-Own": "1"}
    (answer,) = await sender.answers("cmd.ordering.PlaceOrder.o-9", GOOD.encode(), forged)
    assert msgspec.json.decode(answer.data)["status"] == "accepted"
    assert set(answer.headers or {}) == {"At-Least"}
    await sender.mesh.rest()
    stored = await sender.client.jetstream().get_msg("ORDERING", 1)
    assert set(stored.headers or {}) <= {"Nats-Expected-Last-Sequence"}


async def test_a_line_break_in_a_header_makes_no_second_header(sender: Sender) -> None:
    smuggled = {"Correlation-Id": "a\r\nNats-Msg-Id: smuggled"}
    (first,) = await sender.answers("cmd.ordering.PlaceOrder.o-1", GOOD.encode(), smuggled)
    (other,) = await sender.answers(
        "cmd.ordering.PlaceOrder.o-2", GOOD.encode(), {"Nats-Msg-Id": "smuggled"}
    )
    assert msgspec.json.decode(first.data)["status"] == "accepted"
    assert msgspec.json.decode(other.data)["status"] == "accepted"
    events = await sender.mesh.events("ordering", "o-1")
    assert events[0].correlation_id not in ("a", "smuggled")


async def test_a_command_id_used_for_another_payload_is_told_so(sender: Sender) -> None:
    same = {"Nats-Msg-Id": "command-1"}
    (first,) = await sender.answers("cmd.ordering.PlaceOrder.o-1", GOOD.encode(), same)
    await sender.mesh.rest()
    before = await sender.books()
    (other,) = await sender.answers("cmd.ordering.PlaceOrder.o-1", (LINE % 5).encode(), same)
    (again,) = await sender.answers("cmd.ordering.PlaceOrder.o-1", GOOD.encode(), same)
    assert msgspec.json.decode(first.data)["status"] == "accepted"
    assert msgspec.json.decode(other.data)["code"] == "IdReused"
    assert msgspec.json.decode(again.data) == {
        **msgspec.json.decode(first.data),
        "replayed": True,
    }
    after = await sender.books()
    assert after["ordering"] == before["ordering"]
