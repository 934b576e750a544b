"""What only the simulator's own process can show: it survives, it adds up, it can be moody."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec
import pytest

from bus.outside import OutsideUnavailable
from domains.payments.http_provider import HttpProvider
from domains.payments.provider import Done, Refusal
from scripts.settlement.file import reported
from tests.contract.providers import HttpStage, Simulator
from tests.contract.test_provider import authorize, capture, settle


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path / "books.sqlite")
    simulator.start()
    yield simulator
    simulator.kill()


@pytest.fixture
async def stage(simulator: Simulator) -> AsyncIterator[HttpStage]:
    async with aiohttp.ClientSession() as session:
        stage = HttpStage(simulator.url, session)
        yield stage
        await stage.provider.close()


async def test_charges_and_moods_survive_kill_9(simulator: Simulator, stage: HttpStage) -> None:
    await stage.control(decline_rate=0.5, seed=7)
    before = [await stage.provider.ask(authorize(f"o-{n}"), f"k-{n}") for n in range(20)]
    books = await stage.books()

    simulator.kill()
    simulator.start()

    assert await stage.books() == books
    after = [await stage.provider.ask(authorize(f"o-{n}"), f"k-{n}") for n in range(20)]
    assert after == before
    assert (await stage.control())["decline_rate"] == 0.5


async def test_the_report_adds_up_page_by_page(stage: HttpStage) -> None:
    for n in range(5):
        card = await stage.provider.ask(authorize(f"o-{n}", 100 + n), f"a-{n}")
        assert isinstance(card, Done)
        await stage.provider.ask(capture(f"o-{n}", 100, card.reference), f"c-{n}")
        await stage.provider.ask(settle(f"o-{n}", 10), f"s-{n}")

    pages = [await stage.books(limit=4)]
    while pages[-1]["next"] is not None:
        pages.append(await stage.books(limit=4, after=pages[-1]["next"]))

    lines = [line for page in pages for line in page["payments"]]
    assert len({line["reference"] for line in lines}) == len(lines) == 10
    for type, totals in pages[0]["totals"].items():
        of_type = [line for line in lines if line["type"] == type]
        assert totals.pop("payments") == len(of_type)
        assert totals == {what: sum(line[what] for line in of_type) for what in totals}
    assert pages[0]["totals"]["credit_card"]["authorised"] == 510
    assert pages[0]["totals"]["credit_card"]["captured"] == 500
    assert pages[0]["totals"]["boleto"]["settled"] == 50


async def test_the_settlement_report_is_of_a_time(
    simulator: Simulator, stage: HttpStage, tmp_path: Path
) -> None:
    for n in range(3):
        await stage.provider.ask(settle(f"o-{n}", 10 + n), f"s-{n}")
    (first,) = await stage.settlement("o-0")
    (last,) = await stage.settlement("o-2")

    upto = await stage.settlement_report(until=first.time.isoformat())
    since = await stage.settlement_report(since=last.time.isoformat())

    assert [row.split(",")[2] for row in upto.splitlines()] == ["order", "o-0"]
    assert [row.split(",")[2] for row in since.splitlines()] == ["order", "o-2"]
    whole = await stage.settlement_report()
    simulator.kill()
    simulator.start()
    assert await stage.settlement_report() == whole
    file = tmp_path / "settlement.csv"
    file.write_text(whole)
    assert reported(file, None, datetime.now(UTC)).movements == 3


async def test_charges_of_before_there_was_a_report_are_in_it(
    simulator: Simulator, stage: HttpStage, tmp_path: Path
) -> None:
    await stage.provider.ask(settle("o-1"), "s-1")
    simulator.kill()
    with closing(sqlite3.connect(tmp_path / "books.sqlite")) as old:
        old.execute("UPDATE charge SET refunded = 300")
        old.execute("DROP TABLE movement")
        old.commit()
    simulator.start()

    lines = await stage.settlement("o-1")

    assert [(line.kind, line.amount) for line in lines] == [("captured", 4000), ("refunded", 300)]
    simulator.kill()
    simulator.start()
    assert await stage.settlement("o-1") == lines


async def test_a_boletos_day_comes_without_being_asked(stage: HttpStage) -> None:
    await stage.control(boleto_delay_s=0.01)
    await stage.provider.ask(settle("o-1"), "s-1")

    async with asyncio.timeout(10):
        while not (await stage.books())["totals"]:
            continue  # asking takes time enough

    assert isinstance(await stage.provider.ask(settle("o-1"), "s-1"), Done)
    assert (await stage.books())["totals"]["boleto"]["settled"] == 4000


async def test_the_dice_fall_the_same_way_for_the_same_seed(stage: HttpStage) -> None:
    async def declined(seed: int, run: str) -> list[bool]:
        await stage.control(decline_rate=0.5, seed=seed)
        asked = [stage.provider.ask(authorize(f"o-{n}"), f"{run}-{n}") for n in range(30)]
        return [isinstance(answer, Refusal) for answer in await asyncio.gather(*asked)]

    first, again, other = await declined(1, "a"), await declined(1, "b"), await declined(2, "c")

    assert first == again != other
    assert any(first)
    assert not all(first)


async def test_answers_are_lost_at_the_rate_that_is_set_and_come_when_asked_again(
    stage: HttpStage,
) -> None:
    await stage.control(lost_answer_rate=1)
    for n in range(3):
        with pytest.raises(OutsideUnavailable):
            await stage.provider.ask(authorize(f"o-{n}"), f"k-{n}")
        assert isinstance(await stage.provider.ask(authorize(f"o-{n}"), f"k-{n}"), Done)

    assert (await stage.books())["totals"]["credit_card"]["payments"] == 3


async def test_an_answer_that_takes_too_long_is_no_answer(
    stage: HttpStage, simulator: Simulator
) -> None:
    await stage.control(latency_ms=60_000)
    hurried = HttpProvider(simulator.url, timeout=0.05)

    with pytest.raises(OutsideUnavailable, match="no answer from"):
        await hurried.ask(authorize("o-1"), "k-1")
    await hurried.close()


async def test_a_provider_that_is_not_there_is_unavailable(
    stage: HttpStage, simulator: Simulator
) -> None:
    simulator.kill()

    with pytest.raises(OutsideUnavailable, match="no answer from"):
        await stage.provider.ask(authorize("o-1"), "k-1")


async def test_a_mood_that_it_does_not_know_is_refused_and_changes_nothing(
    stage: HttpStage, simulator: Simulator
) -> None:
    before = await stage.control()
    wrong = [{"outage": "yes"}, {"decline_rate": 2}, {"latency_ms": -1}, {"weather": "rain"}, []]

    async with aiohttp.ClientSession() as session:
        for change in wrong:
            async with session.post(f"{simulator.url}/control", json=change) as response:
                assert response.status == 400
                assert (await response.json())["code"] == "Invalid"

    assert await stage.control() == before


async def test_what_makes_no_sense_is_told_so_and_moves_nothing(
    stage: HttpStage, simulator: Simulator
) -> None:
    good = msgspec.json.encode(authorize("o-1"))
    key = {"Idempotency-Key": "k-1"}
    senseless: list[tuple[bytes, dict[str, str], int]] = [
        (good, {}, 400),
        (good, {"Idempotency-Key": "k" * 201}, 400),
        (b"", key, 400),
        (b"{", key, 400),
        (b"\xff\xfe", key, 400),
        (b"[" * 50_000, key, 400),
        (good.replace(b"5000", b"-1"), key, 400),
        (good.replace(b"5000", b"NaN"), key, 400),
        (good.replace(b"5000", b"50.5"), key, 400),
        (b" " * 100_000, key, 413),
    ]

    async with aiohttp.ClientSession(simulator.url) as session:
        for body, headers, status in senseless:
            async with session.post("/authorizations", data=body, headers=headers) as response:
                assert response.status == status, body[:80]
                assert (await response.json())["code"] == "Invalid"
        async with session.get("/authorizations") as response:
            assert response.status == 405

    assert (await stage.books())["payments"] == []


async def test_a_taken_port_is_told_in_a_sentence(simulator: Simulator, tmp_path: Path) -> None:
    second = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "scripts.provider", "--port", str(simulator.port)),
        *("--database", str(tmp_path / "second.sqlite")),
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await second.communicate()

    assert second.returncode == 1
    assert f"port {simulator.port} is taken" in told.decode()
