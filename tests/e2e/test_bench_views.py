"""The measurement of views runs, and its rows are what was folded."""

from __future__ import annotations

from scripts.bench.views import LIBRARY, OURS, RELAXED, measure, median_of
from scripts.bench.views_ground import Timed
from scripts.bench.views_table import table


async def test_every_kind_of_view_is_built_and_timed() -> None:
    found = await measure(events=2000, rounds=1)
    assert set(found) == {*OURS, LIBRARY, RELAXED}
    medians = {name: median_of(rounds) for name, rounds in found.items()}
    for one in medians.values():
        assert one.per_second > 0
        assert {"worker", "postgres"} <= set(one.cpu)
    assert table(medians, LIBRARY).row_count == len(found)


def test_the_median_is_the_round_in_the_middle() -> None:
    rounds = [Timed(100, seconds, {}) for seconds in (3.0, 1.0, 2.0)]
    assert median_of(rounds).seconds == 2.0
