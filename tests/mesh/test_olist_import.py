"""The importer on a whole mesh: every kind of order, killed at any moment, doubling nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bus.clock import SystemClock
from bus.testing.ground import BREATH, Ground
from scripts.olist import streams
from scripts.olist.expected import Expected
from scripts.olist.files import Files
from scripts.olist.flights import Landed
from scripts.olist.importer import Importer, OtherImport
from scripts.sender import MeshSilent
from tests.mesh.shop import DOMAINS, Shop, shop
from tests.olist_orders import write

LONG = 120.0
"""Seconds that the import of a few orders may take on a busy machine."""


class Silent:
    """A report that nobody reads; `until` ends the import when it has reported so often."""

    def __init__(self, until: int = -1) -> None:
        self.until = until
        self.ended = asyncio.Event()

    def begin(self, title: str, total: int) -> None:
        self.advance()

    def advance(self) -> None:
        self.until -= 1
        if self.until == 0:
            self.ended.set()

    def say(self, line: str) -> None:
        pass

    def finish(self) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


@asynccontextmanager
async def _importer(it: Shop, folder: Path, report: Silent) -> AsyncIterator[Importer]:
    broker = it.mesh.ground.broker()
    await broker.open()
    passing = asyncio.create_task(_time_passes(it))
    try:
        yield Importer(Files(folder), broker, SystemClock(), report)
    finally:
        passing.cancel()
        await broker.close()


async def _time_passes(it: Shop) -> None:
    """While the importer is at work; in memory time stands still by itself."""
    while True:
        await asyncio.sleep(BREATH)
        it.mesh.clock.advance(timedelta(seconds=0.1))


async def _imported(it: Shop, folder: Path) -> Landed:
    async with _importer(it, folder, Silent()) as importer, asyncio.timeout(LONG):
        landed = await importer.run()
    await it.mesh.rest()
    return landed


async def _killed(it: Shop, folder: Path, after: int) -> None:
    """Ends an import without a word when it has got so far."""
    report = Silent(after)
    async with _importer(it, folder, report) as importer:
        running = asyncio.create_task(importer.run())
        await report.ended.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _heads(it: Shop) -> dict[str, int]:
    return {domain.name: len(await it.mesh.events(domain.name)) for domain in DOMAINS}


async def test_every_order_ends_as_the_files_say(ground: Ground, folder: Path) -> None:
    async with shop(ground) as it:
        landed = await _imported(it, folder)

        expected = Expected(Files(folder))
        refused = {f"refused {code}": n for code, n in expected.refused().items()}
        assert landed.ends == {**expected.orders(), **refused}
        assert landed.surprises == []
        assert landed.late_cancellations == 2
        assert dict(landed.refused) == {
            "empty": "NoLines",
            "cent-short": "PaymentsDontAddUp",
            "unpaid": "PaymentsDontAddUp",
        }


async def test_the_stock_that_is_left_is_what_nobody_took(ground: Ground, folder: Path) -> None:
    async with shop(ground) as it:
        await _imported(it, folder)

        expected = Expected(Files(folder))
        left, free = expected.stock("on_hand"), expected.stock("available")
        for sku in ("tea", "cup"):
            on_hand = left.get(sku, 0)
            assert await it.stock_of(sku) == (on_hand, on_hand - free.get(sku, 0))


@pytest.mark.parametrize("after", [1, 8, 18, 20, 21, 22, 24, 26, 30, 34, 36])
async def test_a_killed_import_is_run_again_and_doubles_nothing(
    memory_ground: Ground, folder: Path, after: int
) -> None:
    async with shop(memory_ground) as it:
        await _killed(it, folder, after)
        again = await _imported(it, folder)
        halved = await _heads(it)

    async with shop(type(memory_ground)()) as other:
        whole = await _imported(other, folder)
        assert await _heads(other) == halved
    assert again.ends == whole.ends
    assert again.surprises == []


async def test_a_second_import_records_nothing(ground: Ground, folder: Path) -> None:
    async with shop(ground) as it:
        first = await _imported(it, folder)
        before = await _heads(it)

        second = await _imported(it, folder)

        assert await _heads(it) == before
        assert (second.ends, second.refused) == (first.ends, first.refused)


async def test_what_the_streams_have_not_told_yet_is_sent_again_and_counts_once(
    ground: Ground, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(ground) as it:
        await _imported(it, folder)
        before = await _heads(it)

        async def nothing(*_: object) -> dict[str, int]:
            return {}

        monkeypatch.setattr(streams, "received", nothing)
        monkeypatch.setattr(streams, "listed", nothing)
        await _imported(it, folder)

        assert await _heads(it) == before


async def test_a_shop_that_is_not_there_is_said_at_once(
    memory_ground: Ground, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PAUSE", 0.0)
    broker = memory_ground.broker()
    await broker.open()

    with pytest.raises(MeshSilent, match="scripts/up"):
        await Importer(Files(folder), broker, SystemClock(), Silent()).run()


async def test_other_files_are_not_mixed_with_what_was_imported(
    memory_ground: Ground, folder: Path
) -> None:
    async with shop(memory_ground) as it:
        await _imported(it, folder)
        before = await _heads(it)
        path = folder / "olist_order_items_dataset.csv"
        path.write_text(
            path.read_text() + "unpaid,2,cup,bob,,10.00,2.00\nplain,2,cup,bob,,0.00,0.00"
        )

        with pytest.raises(OtherImport, match="another TRUEUP_HOME"):
            await _imported(it, folder)

        assert await _heads(it) == before
