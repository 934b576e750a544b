"""The measurement of a view's memory runs, and what it measures is there."""

from __future__ import annotations

from scripts.bench.history import VIEWS, measure
from scripts.bench.history_table import LINES, table
from scripts.bench.views_events import EACH

EVENTS = 2000


async def test_speed_space_and_questions_are_measured_with_a_history_and_without() -> None:
    found = await measure(EVENTS, rounds=2, questions=5)
    assert set(found) == set(VIEWS)
    for one in found.values():
        assert len(one.remembering) == len(one.forgetting) == 2
        space = one.costs.space
        # A row that a write has touched twice is replaced once.
        assert space.rows == EVENTS // EACH
        assert 0 < space.replaced < EVENTS - space.rows
        assert min(space.bytes, space.replaced_bytes) > 0
        assert min(*one.costs.get, *one.costs.find, one.costs.forgotten) > 0
    assert table(found).row_count == len(LINES)
