"""Events of the till, appended straight to its store: what a relay and a reader are fed."""

from __future__ import annotations

from datetime import UTC, datetime

from bus import envelope
from bus.clock import uuid7
from bus.envelope import Key
from bus.store.port import Append, NewEvent, Store
from tests.unit.kernel.till import Deposited

TIME = datetime(2026, 1, 1, tzinfo=UTC)


def deposited(id: str, version: int, amount: int = 1) -> NewEvent:
    key, event_id = Key("till", id), uuid7()
    body = envelope.encode(
        event=Deposited(amount=amount),
        event_id=event_id,
        domain="till",
        key=key,
        version=version,
        dataversion=1,
        time=TIME,
        correlation_id=f"correlation-{id}",
        causation_id="test",
    )
    return NewEvent(event_id, key, version, "Deposited", body)


async def append(store: Store, count: int) -> None:
    """One event of each of `count` new tills."""
    first = (await store.head()).position + 1
    events = [deposited(f"t-{number}", 1) for number in range(first, first + count)]
    await store.append(Append(expected={event.key: 0 for event in events}, events=events))
