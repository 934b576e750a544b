"""A service as `nats micro ls`, `info`, `stats` and `ping` see it (ADR-32)."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from typing import Any

import msgspec
import pytest

from bus.broker.port import Broker, Endpoint, NoResponders, Request
from tests.contract.broker.conftest import Net


def accept(request: Request) -> None:
    request.respond(b"{}")


def refuse(request: Request) -> None:
    request.respond(b"{}", {"Nats-Service-Error": "OutOfStock", "Nats-Service-Error-Code": "409"})


def endpoints(domain: str) -> list[Endpoint]:
    return [
        Endpoint("PlaceOrder", f"cmd.{domain}.PlaceOrder.>", accept, metadata={"kind": "command"}),
        Endpoint("CancelOrder", f"cmd.{domain}.CancelOrder.>", refuse, queue=None),
    ]


async def ask(broker: Broker, subject: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((await broker.request(subject)).body)
    return found


async def test_a_service_says_who_it_is(net: Net) -> None:
    broker = await net.broker()
    await broker.serve(net.domain, "Orders", "1.2.3", endpoints(net.domain))
    ping = await ask(broker, f"$SRV.PING.{net.domain}")
    assert ping == {
        "type": "io.nats.micro.v1.ping_response",
        "name": net.domain,
        "id": ping["id"],
        "version": "1.2.3",
        "metadata": {"host": socket.gethostname(), "pid": str(os.getpid())},
    }
    assert re.fullmatch(r"[A-Za-z0-9]+", ping["id"])
    assert await ask(broker, f"$SRV.PING.{net.domain}.{ping['id']}") == ping


async def test_a_service_lists_its_endpoints(net: Net) -> None:
    broker = await net.broker()
    await broker.serve(net.domain, "Orders", "1.2.3", endpoints(net.domain))
    info = await ask(broker, f"$SRV.INFO.{net.domain}")
    assert info["type"] == "io.nats.micro.v1.info_response"
    assert info["description"] == "Orders"
    assert info["endpoints"] == [
        {
            "name": "PlaceOrder",
            "subject": f"cmd.{net.domain}.PlaceOrder.>",
            "queue_group": "q",
            "metadata": {"kind": "command"},
        },
        {
            "name": "CancelOrder",
            "subject": f"cmd.{net.domain}.CancelOrder.>",
            "queue_group": "",
            "metadata": {},
        },
    ]


async def test_a_service_counts_requests_and_errors(net: Net) -> None:
    broker = await net.broker()
    await broker.serve(net.domain, "Orders", "1.2.3", endpoints(net.domain))
    for _ in range(3):
        await broker.request(f"cmd.{net.domain}.PlaceOrder.o-1", b"{}")
    await broker.request(f"cmd.{net.domain}.CancelOrder.o-1.further.tokens", b"{}")
    stats = await ask(broker, f"$SRV.STATS.{net.domain}")
    place, cancel = stats["endpoints"]
    assert stats["type"] == "io.nats.micro.v1.stats_response"
    assert re.match(r"\d{4}-\d\d-\d\dT", stats["started"])
    assert (place["num_requests"], place["num_errors"], place["last_error"]) == (3, 0, "")
    assert (cancel["num_requests"], cancel["num_errors"]) == (1, 1)
    assert cancel["last_error"] == "409:OutOfStock"
    assert place["processing_time"] > 0
    assert place["average_processing_time"] == place["processing_time"] // 3


async def test_every_process_of_a_service_answers_for_itself(net: Net) -> None:
    brokers = [await net.broker(), await net.broker()]
    for broker in brokers:
        await broker.serve(net.domain, "Orders", "1.2.3", endpoints(net.domain))
    seen: asyncio.Queue[str] = asyncio.Queue()
    inbox = f"_INBOX.{net.domain}"
    await brokers[0].subscribe(inbox, lambda r: seen.put_nowait(msgspec.json.decode(r.body)["id"]))
    await net.stranger_sends("$SRV.PING." + net.domain, b"", reply=inbox)
    async with asyncio.timeout(5):
        one, other = await seen.get(), await seen.get()
    assert one != other
    first = await ask(brokers[0], f"$SRV.PING.{net.domain}.{one}")
    assert first["id"] == one


async def test_a_service_that_has_stopped_is_gone(net: Net) -> None:
    broker = await net.broker()
    serving = await broker.serve(net.domain, "Orders", "1.2.3", endpoints(net.domain))
    await serving.stop()
    for subject in (f"$SRV.PING.{net.domain}", f"cmd.{net.domain}.PlaceOrder.o-1"):
        with pytest.raises(NoResponders):
            await broker.request(subject)


@pytest.mark.parametrize(("name", "version"), [("or.ders", "1.0.0"), ("orders", "one"), ("", "1")])
async def test_names_that_the_tools_refuse_are_refused(net: Net, name: str, version: str) -> None:
    broker = await net.broker()
    with pytest.raises(ValueError, match="is no"):
        await broker.serve(name, "", version, [])
