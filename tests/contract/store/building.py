"""Short ways to say what is appended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bus.clock import uuid7
from bus.envelope import Key
from bus.store.port import Append, DutyRow, NewEvent, Receipt, Store

Another = Callable[[], Awaitable[Store]]
"""Opens one more handle on the test's store, as one more process would."""

ORDER = Key("order", "o-1")
OTHER = Key("order", "o-2")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(key: Key = ORDER, version: int = 1, body: bytes = b'{"data":{}}') -> NewEvent:
    return NewEvent(uuid7(), key, version, "OrderPlaced", body)


def events(key: Key, first: int, count: int) -> list[NewEvent]:
    return [event(key, first + n, b'{"n":%d}' % n) for n in range(count)]


def placed(key: Key = ORDER, before: int = 0, count: int = 1) -> Append:
    """`count` events of an aggregate that is expected at version `before`."""
    return Append(expected={key: before}, events=events(key, before + 1, count))


def receipt(command_id: str, last: int = 0) -> Receipt:
    return Receipt(command_id, b"\x01\x1e\x00digest", b'{"status":"accepted"}', last)


def duty(name: str, minutes: int = 0, event_id: str = "e-1") -> DutyRow:
    due = NOON + timedelta(minutes=minutes)
    return DutyRow(name, due, "deadline", b'{"type":"ExpireOrder","id":"o-1"}', event_id, "c-1")
