"""However people come and go, rows are written and builds take over: each hears what he should."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bus.broker.memory import MemoryBroker
from bus.broker.memory_server import MemoryServer
from bus.broker.port import Request, Serving
from bus.clock import uuid7
from bus.store.memory_lease import Leadership, MemoryLease
from bus.store.port import Checkpoint
from bus.views import changes, heard, telling
from bus.views.build import Aim
from bus.views.memory import MemoryViews, MemoryViewStore
from bus.views.port import Change
from bus.views.telling import NotLeading, Telling
from tests.contract.views.sample import DEBTS
from tests.contract.views.test_view_changes import gone
from tests.contract.views.test_view_store import shown

KEYS = ("b-1", "b-2", "b-3")
Rows = Mapping[str, int | None]
Day = Sequence[tuple[Any, ...]]
"""Steps, each with what it is given."""


class Told(NamedTuple):
    """What was heard of a row, and at which position of the bills."""

    why: str
    owed: int | None
    at: int


class Ear:
    """`since` is how many versions there were when somebody had last looked before it listened."""

    def __init__(self, pattern: str, since: int) -> None:
        self.pattern = pattern
        self.since = since
        self.serving: Serving | None = None
        self.heard: dict[str, list[Told]] = {key: [] for key in KEYS}

    def take(self, request: Request) -> None:
        at = int(request.headers["At-Least"].split(",")[0].removeprefix("bills="))
        owed = None if request.body == b"null" else int(request.body.split(b'"owed":')[1][:6])
        told = Told(request.headers["Live-Row"], owed, at)
        self.heard.setdefault(request.subject.split(".")[2], []).append(told)


class Losing(MemoryBroker):
    """Its connection may break before what is published has come to the server."""

    losing = False

    async def publish(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        if not self.losing:
            await super().publish(subject, body, headers)


class Room:
    """A view, one who tells, and those who listen. `versions` are what each row has been, by key,
    with the position at which it came to be so."""

    def __init__(self) -> None:
        self.views, self.server = MemoryViews(), MemoryServer()
        self.broker = Losing(self.server)
        self.ears: list[Ear] = []
        self.versions: dict[str, list[tuple[int, int | None]]] = {key: [] for key in KEYS}
        self._leadership = Leadership()
        self._made = 100_000  # amounts of six digits
        self._looked = 0

    async def open(self) -> None:
        self.store = MemoryViewStore(DEBTS, self.views)
        await self.store.open()
        await self.store.remember()
        await self.broker.open()
        self.ground = MemoryBroker(self.server)
        await self.ground.open()
        await self.lead()

    async def lead(self) -> None:
        """Another process begins to tell, as the last one has died."""
        self._leadership.end()
        self.lease = MemoryLease(self._leadership)
        await self.lease.acquire()
        self.telling = Telling(self.store, self.broker, self.lease, await self.store.noted())

    def new(self, key: str, kind: str) -> int | None:
        """What the row is to be next."""
        if kind == "gone":
            return None
        if kind == "same":
            return self.versions[key][-1][1] if self.versions[key] else None
        self._made += 1
        return self._made

    async def write(self, rows: Mapping[str, str]) -> None:
        await self._put(self.store, {key: self.new(key, kind) for key, kind in rows.items()})

    async def take_over(self, differing: Mapping[str, str]) -> None:
        """All of before has been told: to make a build takes a while."""
        await self.rest()
        await self._put(self.store, {})  # so that no version of before has this position
        rows = {key: of[-1][1] for key, of in self.versions.items() if of}
        rows |= {key: self.new(key, kind) for key, kind in differing.items()}
        made = MemoryViewStore(DEBTS, self.views, aim=Aim.REBUILD)
        await made.open()
        await made.remember()
        position = (await self.store.state()).checkpoints["bills"].position
        await self._put(made, rows, position=position)
        assert await made.take_over()

    async def _put(self, store: MemoryViewStore, rows: Rows, position: int | None = None) -> None:
        state = await store.state()
        at = position or state.checkpoints["bills"].position + 1
        drawn = [gone(key) if n is None else shown(key, owed=n) for key, n in rows.items()]
        places = {"bills": Checkpoint(at, f"event-{at}")}
        await store.write(Change(state.stamp, uuid7(), places, drawn))
        for key, n in rows.items():
            if (self.versions[key][-1][1] if self.versions[key] else None) != n:
                self.versions[key].append((at, n))

    async def listen(self, pattern: str) -> Ear:
        ear = Ear(pattern, self._looked)
        ear.serving = await self.ground.subscribe(f"live.debts.{pattern}", ear.take)
        self.ears.append(ear)
        return ear

    async def leave(self, number: int) -> None:
        if self.ears:
            ear = self.ears.pop(number % len(self.ears))
            assert ear.serving is not None
            await ear.serving.stop()

    async def round(self, *, lost: bool = False, broken: bool = False) -> None:
        self._looked = sum(map(len, self.versions.values()))
        self.broker.losing = lost
        await self.telling.round()
        self.broker.losing = False
        if lost or broken:
            self.broker.disconnect()
            self.broker.reconnect()
        await asyncio.sleep(0)

    async def rest(self) -> None:
        """All that there is has been told."""
        self._looked = sum(map(len, self.versions.values()))
        for _ in range(2):
            while await self.telling.round():
                pass
            await asyncio.sleep(0)

    async def live(self, day: Day) -> None:
        steps = {"round": self.round, "write": self.write, "take_over": self.take_over}
        more = {"listen": self.listen, "leave": self.leave, "lead": self.lead}
        for step, *with_what in day:
            if step in ("lost", "broken"):
                await self.round(**{step: True})
            else:
                await {**steps, **more}[step](*with_what)  # type: ignore[operator]
        await self.rest()

    def number(self, key: str, told: Told) -> int:
        """Which of the row's versions that is; -1 is from before the first."""
        numbers = [n for n, (at, _) in enumerate(self.versions[key]) if at <= told.at]
        number = max(numbers, default=-1)
        assert told.owed == (self.versions[key][number][1] if number >= 0 else None)
        return number

    def missed(self, ear: Ear, key: str) -> Sequence[int]:
        """The versions that whoever listens to all must have heard of, and has not."""
        every = sorted(
            (at, k, n) for k, of in self.versions.items() for n, (at, _) in enumerate(of)
        )
        due = {n for _, k, n in every[ear.since :] if k == key}
        return sorted(due - {self.number(key, told) for told in ear.heard[key]})


kinds = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["new", "same", "gone"]), min_size=1)
CALM: list[st.SearchStrategy[Any]] = [
    st.tuples(st.just("write"), kinds),
    st.tuples(st.just("write"), kinds),
    st.just(("round",)),
    st.just(("round",)),
    st.tuples(st.just("listen"), st.sampled_from([*KEYS, "*", ">"])),
    st.tuples(st.just("leave"), st.integers(0, 9)),
    st.tuples(st.just("take_over"), kinds),
]
TROUBLE = [st.tuples(st.sampled_from(["lost", "broken", "lead"]))]


async def lived(day: Day) -> Room:
    room = Room()
    await room.open()
    await room.live(day)
    return room


LATE = [
    *[("write", {"b-1": "new"}), ("listen", "b-1"), ("round",), ("write", {"b-1": "new"})],
    *[("round",), ("write", {"b-2": "new"}), ("listen", "*"), ("write", {"b-1": "new"})],
]
"""Somebody begins to listen to all rows beside one who has heard of some."""


@settings(max_examples=100)
@example(LATE, 8, 8)
@given(st.lists(st.one_of(CALM), max_size=25), st.integers(1, 3), st.integers(1, 3))
def test_everybody_hears_each_change_once_and_in_order(day: Day, steps: int, page: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "STEPS", steps)
        patch.setattr(changes, "PAGE", page)
        room = asyncio.run(lived(day))
    for ear in room.ears:
        for key in KEYS if ear.pattern in ("*", ">") else (ear.pattern,):
            told_of = [(told.why, room.number(key, told)) for told in ear.heard[key]]
            numbers = [number for _, number in told_of]
            assert numbers == sorted(numbers)
            changed = [number for why, number in told_of if why == "changed"]
            assert len(changed) == len({*changed})
            last = len(room.versions[key]) - 1
            if ear.pattern == key:
                assert told_of
                assert [*range(numbers[0], last + 1)] == sorted({*numbers})
            else:
                assert room.missed(ear, key) == []


@settings(max_examples=100)
@given(st.lists(st.one_of(CALM + TROUBLE), max_size=25))
def test_in_the_end_everybody_has_heard_all_whatever_happened(
    day: Day,
) -> None:
    room = asyncio.run(lived(day))
    for ear in room.ears:
        for key in KEYS if ear.pattern in ("*", ">") else (ear.pattern,):
            if ear.pattern == key:
                assert room.number(key, ear.heard[key][-1]) == len(room.versions[key]) - 1
            else:
                assert room.missed(ear, key) == []


async def test_whoever_leads_no_longer_says_nothing_more() -> None:
    room = Room()
    await room.open()
    ear = await room.listen("b-1")
    await room.rest()
    await room.write({"b-1": "new"})
    room._leadership.end()
    with pytest.raises(NotLeading):
        await room.telling.round()
    assert [told.why for told in ear.heard["b-1"]] == ["current"]


async def test_the_next_one_goes_on_from_where_all_was_told_for_certain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling, "GAP", -heard.SLACK)
    room = Room()
    await room.open()
    ear = await room.listen("*")
    await room.rest()
    for _ in range(2):
        await room.write({"b-1": "new"})
    await room.round()
    await room.write({"b-1": "new"})
    await room.lead()
    await room.rest()
    assert [room.number("b-1", told) for told in ear.heard["b-1"]] == [0, 1, 0, 1, 2]


async def test_without_listeners_nothing_is_asked_of_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = Room()
    await room.open()
    for name in ("changes", "note", "noted", "snapshot", "history"):
        monkeypatch.setattr(room.store, name, None)
    await room.write({"b-1": "new"})
    await room.rest()


async def test_a_row_that_no_message_can_hold_is_told_as_an_error() -> None:
    room = Room()
    room.server.max_payload = 5000
    await room.open()
    seen: list[Request] = []
    await room.ground.subscribe("live.debts.b-1", seen.append)
    await room.rest()
    state = await room.store.state()
    big = shown("b-1", note="x" * 1500)
    await room.store.write(Change(state.stamp, uuid7(), {}, [big]))
    await room.rest()
    assert [one.headers.get("Nats-Service-Error-Code") for one in seen] == [None, "413"]
    assert seen[1].headers["Live-Row"] == "changed"
    assert b"TooLarge" in seen[1].body


async def test_rows_that_were_made_anew_are_told_where_they_differ() -> None:
    room = Room()
    await room.open()
    for _ in range(3):
        await room.write({"b-1": "new", "b-2": "new"})
    same, other = await room.listen("b-1"), await room.listen("b-2")
    await room.rest()
    (_, owed) = room.versions["b-1"][-1]
    room.views.flush()
    await room._put(room.store, {"b-1": owed, "b-2": 123456})
    await room.rest()
    assert [told[:2] for told in same.heard["b-1"]] == [("current", owed)]
    assert [told[:2] for told in other.heard["b-2"]][1:] == [("changed", 123456)]
