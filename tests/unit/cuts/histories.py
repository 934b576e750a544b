"""Histories of several domains in which events have causes, and what is right, by brute force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import product
from typing import NamedTuple

from hypothesis import strategies as st

from bus import envelope
from bus.clock import SystemClock
from bus.contract import Contract
from bus.cuts.folding import microseconds
from bus.cuts.layout import Layout
from bus.cuts.view import cuts
from bus.envelope import Key
from bus.messages import Event
from bus.owner import Delivered
from bus.testing.told import START
from bus.views.builder import Builder
from bus.views.memory import MemoryViewStore

DOMAINS = ("a", "b", "c")


class Happened(Event, tag="Happened"):
    pass


CONTRACTS = [Contract(domain=d, commands={}, events={"thing": (Happened,)}) for d in DOMAINS]
VIEW = cuts(CONTRACTS, version=1, layout=Layout(fan=2, levels=3))
"""A tree so small that a few events fill several of its highest runs."""


class Told(NamedTuple):
    """An event, `second` after START; `cause` is the domain and position that it names."""

    second: int
    cause: tuple[str, int] | None


History = Mapping[str, Sequence[Told]]
Cut = Mapping[str, int]


@st.composite
def histories(draw: st.DrawFn, most: int = 14) -> History:
    """Causes come first, though clocks may go wrong."""
    history: dict[str, list[Told]] = {domain: [] for domain in DOMAINS}
    for number in range(draw(st.integers(0, most))):
        domain = draw(st.sampled_from(DOMAINS))
        causes = [None, *((d, n + 1) for d in DOMAINS for n in range(len(history[d])))]
        second = number + draw(st.sampled_from([0, 0, 1, -1, 5, -5, 15, -15]))
        history[domain].append(Told(second, draw(st.sampled_from(causes))))
    return history


def body(domain: str, position: int, told: Told) -> bytes:
    return envelope.encode(
        event=Happened(),
        event_id=f"{domain}-{position}",
        domain=domain,
        key=Key("thing", f"t-{position}"),
        version=1,
        dataversion=1,
        time=START + timedelta(seconds=told.second),
        correlation_id="test",
        causation_id="{}:{}".format(*told.cause) if told.cause else "a-command",
    )


def delivered(history: History, domain: str) -> Sequence[Delivered]:
    events = enumerate(history[domain], start=1)
    return [Delivered(n, "Happened", body(domain, n, told)) for n, told in events]


async def read(history: History, order: Sequence[str] = ()) -> MemoryViewStore:
    """The view after all streams; each name in `order` is an event of this domain written by
    itself, and what is left of the streams comes after."""
    store = MemoryViewStore(VIEW)
    await store.open()
    builder = Builder(store, SystemClock(), lambda: None)
    await builder.begin()
    left = {domain: [*delivered(history, domain)] for domain in DOMAINS}
    for domain, most in [*((d, 1) for d in order), *((d, 10_000) for d in DOMAINS)]:
        batch, left[domain] = left[domain][:most], left[domain][most:]
        if batch:
            await builder.put({domain: await builder.read(domain, batch)})
    return store


def lacks(history: History, cut: Cut) -> Sequence[tuple[str, int]]:
    """The events that the cut shows without their causes."""
    return [
        (domain, position)
        for domain, events in history.items()
        for position, told in enumerate(events[: cut[domain]], start=1)
        if told.cause and told.cause[1] > cut[told.cause[0]]
    ]


def every_cut(upto: Cut, least: Cut | None = None) -> Iterator[Cut]:
    ranges = [range((least or {}).get(d, 0), upto[d] + 1) for d in DOMAINS]
    for positions in product(*ranges):
        yield dict(zip(DOMAINS, positions, strict=True))


def largest(history: History, upto: Cut, least: Cut | None = None) -> Cut:
    """Of all consistent cuts within `upto`: the one that shows most in each domain."""
    found = [cut for cut in every_cut(upto, least) if not lacks(history, cut)]
    return {domain: max(cut[domain] for cut in found) for domain in DOMAINS}


def smallest(history: History, named: Cut) -> Cut | None:
    """Of all consistent cuts with `named`: the one that shows least in each domain."""
    upto = {d: named.get(d, len(history[d])) for d in DOMAINS}
    found = [cut for cut in every_cut(upto, named) if not lacks(history, cut)]
    return {domain: min(cut[domain] for cut in found) for domain in DOMAINS} if found else None


def until(history: History, second: int) -> Cut:
    """In each domain, the events before the first that is later than `second`."""
    cut = {}
    for domain, events in history.items():
        late = [n for n, told in enumerate(events) if told.second > second]
        cut[domain] = late[0] if late else len(events)
    return cut


def latest(history: History, named: Cut) -> int:
    """The latest second that the named domains show; before everything if they show nothing."""
    seconds = [told.second for d, n in named.items() for told in history[d][:n]]
    return max(seconds, default=-(10**6))


def microsecond(second: int) -> int:
    return microseconds(START + timedelta(seconds=second))
