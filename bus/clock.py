"""Time and identifiers as ports, so that a test can own both."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Returns when `now()` has moved on by `seconds`."""


class Ids(Protocol):
    def __call__(self) -> str:
        """A new identifier that sorts after those it has given before."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """Stands still until it is advanced; sleepers wake in the order of their times."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + timedelta(seconds=seconds), woken))
        await woken

    def advance(self, by: timedelta) -> None:
        self._now += by
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._now]
        for _, woken in sorted(due, key=lambda sleeper: sleeper[0]):
            if not woken.done():
                woken.set_result(None)


DRAWN = 256
_drawn: list[str] = []
"""Random ends of ids. Asking the system for one costs more than all the rest of making an
id, so it is asked for many. A list, because several threads may take from it."""
_begun = [(0, "")]
"""The millisecond of the last id, and what all ids of that millisecond begin with."""
_BITS = 76
_variant = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))

os.register_at_fork(after_in_child=_drawn.clear)


def uuid7() -> str:
    """A time-ordered UUID (RFC 9562, version 7): index pages fill from one side."""
    now = time.time_ns() // 1_000_000
    at, begin = _begun[0]
    if at != now:
        text = f"{now:012x}"
        begin = f"{text[:8]}-{text[8:]}-"
        _begun[0] = (now, begin)
    try:
        end = _drawn.pop()
    except IndexError:
        end, *others = _ends(os.urandom(_BITS * DRAWN // 8).hex())
        _drawn.extend(others)
    return begin + end


def _ends(hex: str) -> list[str]:
    """Version, variant and 74 random bits each, as the last three groups."""
    return [
        f"7{hex[i : i + 3]}-{_variant[hex[i + 3]]}{hex[i + 4 : i + 7]}-{hex[i + 7 : i + 19]}"
        for i in range(0, len(hex), _BITS // 4)
    ]


def sequential_ids() -> Ids:
    """Identifiers that a test can foretell: UUIDs that count from 1."""
    numbers = itertools.count(1)
    return lambda: f"00000000-0000-7000-8000-{next(numbers):012x}"
