"""At a speed, events come as far apart as they happened, divided by it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from bus import envelope
from bus.envelope import Key
from bus.messages import Event
from bus.owner import Delivered
from scripts.replay.pace import Pace

START = datetime(2026, 1, 1, tzinfo=UTC)


class Happened(Event, tag="Happened"):
    pass


class Watch:
    """A clock that moves by exactly what is slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=sum(self.slept))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def batch_of(*seconds: float) -> AsyncIterator[Sequence[Delivered]]:
    yield [
        Delivered(
            number,
            "Happened",
            envelope.encode(
                event=Happened(),
                event_id=f"e-{number}",
                domain="ordering",
                key=Key("order", "o-1"),
                version=number,
                dataversion=1,
                time=START + timedelta(seconds=second),
                correlation_id="c",
                causation_id="c",
            ),
        )
        for number, second in enumerate(seconds, start=1)
    ]


async def paced(speed: float | None, *seconds: float) -> tuple[list[int], list[float]]:
    watch = Watch()
    turns = Pace(speed, watch).turns(batch_of(*seconds))
    order = [event.position async for run in turns for event in run]
    return order, watch.slept


async def test_the_gaps_are_divided_by_the_speed() -> None:
    assert await paced(10, 0, 20, 50) == ([1, 2, 3], [2.0, 3.0])


async def test_at_1x_it_takes_as_long_as_it_took() -> None:
    assert await paced(1, 0, 4, 4, 9) == ([1, 2, 3, 4], [4.0, 5.0])


async def test_where_times_go_back_the_order_stays_and_nothing_waits() -> None:
    assert await paced(1, 5, 3, 7) == ([1, 2, 3], [2.0])


async def test_without_a_speed_nothing_waits() -> None:
    assert await paced(None, 0, 3600) == ([1, 2], [])
