"""Story and replay as a person uses them, on one mesh."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from bus.embedded.port import free_port
from scripts.supervisor.own import client_settings
from tests.e2e.test_command_line import ORDER, TEA, Shell, awaited


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A mesh with one order that is confirmed."""
    shell = Shell(tmp_path_factory.mktemp("replay"))
    up = shell.spawn("up", "--detach", f"--nats-port={free_port()}")
    assert up.code == 0, up.err
    for words in (
        ("catalog.ListProduct", "tea-1", TEA),
        ("inventory.ReceiveStock", "tea-1", '{"quantity":9}'),
        ("ordering.PlaceOrder", "o-1001", ORDER),
    ):
        sent = shell("send", *words)
        assert sent.code == 0, sent.out + sent.err
    awaited(lambda: '"state":"confirmed"' in shell("query", "orders.get", "o-1001").out)
    awaited(lambda: "ShipmentPlanned" in shell("query", "orders.get", "o-1001").out)
    yield shell
    shell.spawn("down")


def test_a_story_is_told_from_the_command_on(shop: Shell) -> None:
    told = shop("story", "o-1001")
    assert told.code == 0, told.err
    first, *rest = told.out.splitlines()
    assert "\tOrderPlaced\torder/o-1001\tordering:" in first
    assert "\tcommand " in first
    assert any("\t  UnitsReserved\tstock/tea-1\t" in line for line in rest)
    assert any("provider, asked by payments:" in line for line in rest)
    events = [json.loads(line) for line in shop("story", "o-1001", "--json").out.splitlines()]
    assert len(events) == len(rest) + 1
    assert events[0]["caused_by"]["kind"] == "command"
    assert {one["event"]["source"] for one in events} == {
        *("ordering", "inventory", "payments", "shipping")
    }


def test_an_unknown_order_is_one_clear_line(shop: Shell) -> None:
    told = shop("story", "o-9")
    assert (told.code, told.out) == (1, "")
    assert told.err == "trueup: nothing is known of the order o-9.\n"
    assert shop("story", "no order").code == 2


def test_without_a_subject_events_are_printed_as_by_the_log(shop: Shell) -> None:
    assert shop("replay", "ordering").out == shop("log", "ordering").out
    printed = shop("replay", "ordering", "--from", "2", "--to", "3", "--json").out
    assert printed == shop("log", "ordering", "--from", "2", "--count", "2", "--json").out


def test_into_a_subject_it_says_how_many_there_were(shop: Shell) -> None:
    sent = shop("replay", "ordering", "--into", "replay.ordering", "--speed", "1000x")
    count = len(shop("log", "ordering").out.splitlines())
    assert sent.code == 0, sent.err
    assert f"replay into replay.ordering: {count} events in " in sent.err


def test_what_can_not_be_replayed_is_said_in_one_line(shop: Shell) -> None:
    for words, said in (
        (("ordering", "--into", "evt.ordering.OrderPlaced"), "belongs to the mesh"),
        (("ordering", "--to", "9999"), "--to 9999 is not there yet: ordering is at "),
        (("ordering", "--speed", "0x"), "--speed is like 10x"),
        (("nonsense",), "there is no domain 'nonsense'"),
        (("--view", "nonsense"), "there is no view 'nonsense'"),
        (("--view", "orders", "--query", "get"), "orders.get needs a --key"),
        ((), "name a domain"),
        (("ordering", "--view", "orders"), "name a domain"),
        (("ordering", "--keep"), "--keep goes with a --view"),
    ):
        refused = shop("replay", *words)
        assert refused.code == 2, words
        assert said in refused.err
        assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    ("view", "asked"), [("orders", ("get", "o-1001")), ("stock", ("get", "tea-1"))]
)
def test_a_fresh_view_answers_as_the_one_that_serves_and_is_gone_afterwards(
    shop: Shell, view: str, asked: tuple[str, str]
) -> None:
    query, key = asked
    serving = shop("query", f"{view}.{query}", key).out
    before = left(shop)
    told = shop("replay", "--view", view, "--query", query, "--key", key)
    assert (told.code, told.out) == (0, serving), told.err
    assert left(shop) == before == set()
    assert shop("query", f"{view}.{query}", key).out == serving


def test_up_to_a_position_the_view_is_as_it_was_then(shop: Shell) -> None:
    placed = json.loads(shop("story", "o-1001", "--json").out.splitlines()[0])["position"]
    to = f"ordering={placed},inventory=0,payments=0,shipping=0"
    told = shop("replay", "--view", "orders", "--to", to, "--query", "get", "--key", "o-1001")
    assert told.code == 0, told.err
    row: dict[str, Any] = json.loads(told.out)
    assert row["state"] == "placed"
    assert [one["event"] for one in row["timeline"]] == ["OrderPlaced"]
    assert row["positions"]["ordering"] == placed
    beyond = shop("replay", "--view", "orders", "--to", "ordering=9999")
    assert beyond.code == 3
    assert "ordering has not come to 9999 yet" in beyond.err


@pytest.mark.parametrize("view", ["orders", "stock"])
def test_what_is_kept_can_be_asked_until_it_is_dropped(shop: Shell, view: str) -> None:
    kept = shop("replay", "--view", view, "--keep")
    assert kept.code == 0, kept.err
    (name,) = left(shop)
    assert f"{name} is kept" in kept.err
    key = {"orders": "o-1001", "stock": "tea-1"}[view]
    words = ("replay", "--view", view, "--scratch", name, "--query", "get", "--key", key)
    assert shop(*words).out == shop("query", f"{view}.get", key).out
    dropped = shop("replay", "--drop", name)
    assert (dropped.code, dropped.err) == (0, f"{name} is dropped\n")
    assert left(shop) == set()
    for again in (("replay", "--drop", name), words):
        assert shop(*again).code == 1
    for other in ("trueup_views", "redis-0", "x"):
        assert shop("replay", "--drop", other).code == 2


def left(shop: Shell) -> set[str]:
    """The scratch databases that there are."""
    return asyncio.run(_left(shop))


async def _left(shop: Shell) -> set[str]:
    told = client_settings(shop.environment)
    connection = await asyncpg.connect(told.database_url("views"))
    try:
        rows = await connection.fetch("select datname from pg_database")
    finally:
        await connection.close()
    found = {row[0] for row in rows if "scratch" in row[0]}
    async with Redis.from_url(told.redis_url, decode_responses=True) as redis:
        numbers = (await redis.info("keyspace")).keys() - {"db0"}
    return found | {number.replace("db", "redis-") for number in numbers}
