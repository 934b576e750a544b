"""What is kept is the same, however the streams interleave and whatever was parked first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bus.cuts.folding import Fold, Run
from bus.cuts.layout import Layout
from bus.cuts.steps import Maxima, Steps, raised, vectors, written
from bus.envelope import Recorded, decode, recorded
from tests.unit.cuts.histories import DOMAINS, History, Told, body, histories, read

LAYOUT = Layout(fan=2, levels=3)
WIDTH = 4
numbers = st.tuples(*[st.integers(0, 2**50)] * WIDTH)


@st.composite
def courses(draw: st.DrawFn) -> Sequence[Maxima]:
    found: list[Maxima] = []
    for step in draw(st.lists(numbers, max_size=12)):
        found.append(raised(found[-1], step) if found else step)
    return found


def kept(history: History, order: Sequence[str]) -> Mapping[str, object]:
    async def fold() -> Mapping[str, object]:
        store = await read(history, order)
        shelf = store._shelf()
        return {key: (row.slots, row.shown) for key, row in shelf.rows.items()}

    return asyncio.run(fold())


@given(histories(), st.lists(st.sampled_from(DOMAINS), max_size=20))
def test_rows_do_not_depend_on_how_the_streams_interleave(
    history: History, order: Sequence[str]
) -> None:
    assert kept(history, order) == kept(history, ())


@given(histories(), st.integers(2, 4))
def test_an_event_that_was_parked_takes_its_place(history: History, each: int) -> None:
    for domain in DOMAINS:
        events = list(enumerate(history[domain], start=1))
        late = events[::each]
        in_time = [one for one in events if one not in late]
        if in_time:
            assert steps(domain, [*in_time, *late]) == steps(domain, events)


def steps(domain: str, events: Sequence[tuple[int, Told]]) -> Mapping[str, Run]:
    """What is kept, by key."""
    fold, runs = Fold(DOMAINS, LAYOUT), dict[str, Run]()
    for position, told in events:
        event = seen(domain, position, told)
        for key in LAYOUT.keys(event):
            runs[key] = fold(runs.get(key), event, key)
    return runs


def seen(domain: str, position: int, told: Told) -> Recorded[Any]:
    no_data: Any = None
    return recorded(domain, position, decode(body(domain, position, told)), no_data)


@given(courses())
def test_maxima_are_read_as_they_were_written(maxima: Sequence[Maxima]) -> None:
    assert vectors(written(maxima), WIDTH) == maxima


@given(courses(), numbers, st.integers(0, 12), st.integers(0, WIDTH - 1))
def test_steps_tell_maxima_and_how_far_limits_reach(
    maxima: Sequence[Maxima], limits: Maxima, units: int, coordinate: int
) -> None:
    known = Steps(written(maxima), WIDTH)
    within = [all(n <= limit for n, limit in zip(m, limits, strict=True)) for m in maxima]
    assert known.within(limits) == sum(within)
    assert known.within([None] * WIDTH) == len(maxima)
    asked = min(units, len(maxima))
    assert known.maximum(coordinate, units) == (maxima[asked - 1][coordinate] if asked else 0)
