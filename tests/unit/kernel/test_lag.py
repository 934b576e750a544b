"""How old an event is, and how much is parked of which stream."""

from datetime import UTC, datetime

import pytest

from bus.lag import ParkedCount, age, count
from bus.store.port import ParkedRow

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'{"time":"2026-01-01T12:00:00Z"}', 30.0),
        (b'{"time":"2026-01-01T13:00:00.250+01:00"}', 29.75),
        (b'{"time":"2026-01-01T12:00:31Z"}', 0.0),
        (b'{"time":"2026-01-01T12:00:00"}', None),
        (b'{"time":5}', None),
        (b"{}", None),
        (b"\xff no json", None),
    ],
)
def test_an_age_is_from_the_time_of_the_event_itself(body: bytes, seconds: float | None) -> None:
    assert age(body, NOW) == seconds


def test_parked_events_and_their_keys_are_counted_by_stream() -> None:
    rows = [
        ParkedRow(reader, key, position, b"", "why", 1, NOW)
        for reader, key, position in (
            ("debts/bills", "bill/b-1", 1),
            ("debts/bills", "bill/b-1", 2),
            ("debts/bills", "bill/b-2", 3),
            ("debts/money", "payment/p-1", 1),
        )
    ]
    assert count(rows) == {"bills": ParkedCount(3, 2), "money": ParkedCount(1, 1)}
