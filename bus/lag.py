"""How far a process is behind the streams that it follows: found out when somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bus.broker.port import Broker, BrokerUnavailable, StreamMissing
from bus.clock import Clock
from bus.pace import Pace
from bus.store.port import ParkedRow, StoreUnavailable
from bus.tasks import end

STALL = 10.0
"""Seconds without any event applied, while there are some, after which somebody is stalled."""
PATIENCE = 0.5
"""Seconds for the broker and the store to tell; what is not told by then stays unknown."""


class ParkedCount(Struct, frozen=True):
    events: int = 0
    keys: int = 0


class Lag(Struct, frozen=True, kw_only=True):
    """`position` is the last event applied, `behind` how many the stream has beyond it,
    `oldest` the age in seconds of the first of these, by its own time: 0 where there is none.
    `rate` is events applied a second lately. `stalled`: there are events, and none has been
    applied for STALL seconds. None is what nobody could tell now; `oldest` is None as well
    where the stream no longer has that event, or it can't be read."""

    position: int
    behind: int | None
    oldest: float | None
    rate: float
    stalled: bool
    parked: ParkedCount | None


class Followed(NamedTuple):
    """A stream that a process follows, by the name of its domain."""

    domain: str
    position: int
    pace: Pace


class _Backlog(NamedTuple):
    behind: int | None = None
    oldest: float | None = None


class _Timed(Struct):
    time: datetime


KeptParked = Callable[[], Awaitable[Sequence[ParkedRow]]]


async def lags(
    followed: Sequence[Followed], broker: Broker, parked: KeptParked, clock: Clock
) -> Mapping[str, Lag]:
    """By domain, within PATIENCE. Never raises: a broker that is away makes numbers None."""
    if not followed:
        return {}
    counting = asyncio.create_task(_counted(parked))
    asking = [asyncio.create_task(_backlog(broker, one, clock)) for one in followed]
    late = await _late([counting, *asking], clock)
    counts = None if counting in late else counting.result()
    found = [_Backlog() if task in late else task.result() for task in asking]
    return {
        one.domain: _lag(one, backlog, counts) for one, backlog in zip(followed, found, strict=True)
    }


async def _late(tasks: Sequence[asyncio.Task[Any]], clock: Clock) -> Sequence[asyncio.Task[Any]]:
    """Those that have not ended within PATIENCE; they are ended then. By the clock that is handed
    in: where a test owns the time, what is known must not depend on how busy the machine is."""
    told = asyncio.create_task(asyncio.wait(tasks))
    patience = asyncio.create_task(clock.sleep(PATIENCE))
    await asyncio.wait([told, patience], return_when=asyncio.FIRST_COMPLETED)
    late = [task for task in tasks if not task.done()]
    await end([told, patience, *late])
    return late


def _lag(one: Followed, backlog: _Backlog, counts: Mapping[str, ParkedCount] | None) -> Lag:
    one.pace.note(one.position)
    # An event that has come just now is no stall, however long the stream was quiet before.
    waiting = bool(backlog.behind) and (backlog.oldest is None or backlog.oldest >= STALL)
    return Lag(
        position=one.position,
        behind=backlog.behind,
        oldest=backlog.oldest,
        rate=round(one.pace.rate(), 1),
        stalled=waiting and one.pace.still() >= STALL,
        parked=None if counts is None else counts.get(one.domain, ParkedCount()),
    )


async def _backlog(broker: Broker, one: Followed, clock: Clock) -> _Backlog:
    try:
        state = await broker.stream_state(one.domain)
        behind = max(0, state.last - one.position)
        if not behind:
            return _Backlog(0, 0.0)
        body = await broker.stream_get(one.domain, one.position + 1)
    except (BrokerUnavailable, StreamMissing):
        return _Backlog()
    return _Backlog(behind, None if body is None else age(body, clock.now()))


async def _counted(parked: KeptParked) -> Mapping[str, ParkedCount] | None:
    try:
        return count(await parked())
    except StoreUnavailable:
        return None


def age(body: bytes, now: datetime) -> float | None:
    """Seconds since the time that an event carries; None where it carries none."""
    try:
        time = msgspec.json.decode(body, type=_Timed).time
        return round(max(0.0, (now - time).total_seconds()), 3)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError):
        return None


def count(rows: Sequence[ParkedRow]) -> Mapping[str, ParkedCount]:
    """By upstream: what follows the stroke in a reader's name."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.reader.partition("/")[2], []).append(row.key)
    return {domain: ParkedCount(len(keys), len(set(keys))) for domain, keys in found.items()}
