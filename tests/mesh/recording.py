"""The past of a data set, recorded on a mesh by the importer, and checked against its files."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from bus.clock import SystemClock
from bus.testing.ground import BREATH
from scripts.olist.files import Files
from scripts.olist.history_check import Found, HistoryCheck
from scripts.olist.recording import Recorder
from scripts.olist.remembered import Remembered
from tests.mesh.shop import Shop
from tests.mesh.test_olist_import import LONG, Silent


async def recorded(
    it: Shop, folder: Path, report: Silent | None = None, window: int = 4
) -> Remembered:
    broker = it.mesh.ground.broker()
    await broker.open()
    passing = asyncio.create_task(_time_passes(it))
    try:
        async with asyncio.timeout(LONG):
            recorder = Recorder(Files(folder), broker, SystemClock(), report or Silent(), window)
            return await recorder.run()
    finally:
        passing.cancel()
        await broker.close()


async def _time_passes(it: Shop) -> None:
    while True:
        await asyncio.sleep(BREATH)
        it.mesh.clock.advance(timedelta(seconds=0.1))


async def killed(it: Shop, folder: Path, after: int) -> None:
    """The import ends when it has reported so often."""
    silent = Silent(after)
    running = asyncio.create_task(recorded(it, folder, silent))
    await silent.ended.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def check(it: Shop, folder: Path) -> HistoryCheck:
    return HistoryCheck(Files(folder), it.mesh.broker, SystemClock())


async def found(it: Shop, folder: Path) -> Found:
    """What was recorded and what was found in it."""
    return await check(it, folder).found()
