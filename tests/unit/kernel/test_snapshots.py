"""What is done with snapshots, and what is not believed of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bus.clock import ManualClock
from bus.committer import Committer
from bus.decider import Decider, Domain
from bus.envelope import Key
from bus.folding import PAGE
from bus.process import DomainProcess
from bus.snapshots import EVERY, PENDING, Codec, Snapshots, seal
from bus.states import State
from bus.store.memory import MemoryDisk, MemoryStore
from bus.store.port import NewEvent, Past, Snapshot, Store
from bus.testing.ground import MemoryGround
from bus.work import Accepted, Cause, Outcome, TurnedDown, Work
from tests.unit.kernel import till
from tests.unit.kernel.till import DOMAIN, Deposit, Withdraw

TILL = Key("till", "t-1")
LONG = 2 * EVERY + 50


class CountingStore(MemoryStore):
    """Counts the events that aggregates were loaded with."""

    loaded = 0

    async def recall(
        self, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
    ) -> Mapping[Key, Past]:
        found = await super().recall(keys, shapes, limit)
        self.loaded += sum(len(past.events) for past in found.values())
        return found


class KeepingStore(MemoryStore):
    """Tells when snapshots are kept, and which."""

    def __init__(self, disk: MemoryDisk) -> None:
        super().__init__(disk)
        self.kept: list[Snapshot] = []
        self.keeping = asyncio.Event()

    async def keep_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        await super().keep_snapshots(snapshots)
        self.kept.extend(snapshots)
        self.keeping.set()


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk()


def work(command: Deposit | Withdraw) -> Work:
    return Work(commands=(command,), cause=Cause("correlation", "cause"))


async def told(store: Store, *commands: Deposit | Withdraw, domain: Domain = DOMAIN) -> Outcome:
    """The last command's outcome, of a process that has just started and ends now."""
    return await told_by(Committer(domain, store, ManualClock()), *commands)


async def told_by(committer: Committer, *commands: Deposit | Withdraw) -> Outcome:
    running = asyncio.create_task(committer.run())
    outcomes = [await committer.submit(work(command)) for command in commands]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await committer.snapshots.work()
    return outcomes[-1]


async def grown(disk: MemoryDisk, count: int = LONG) -> None:
    """A till with that many events, one unit each."""
    await told(MemoryStore(disk), *(Deposit(id="t-1", amount=1) for _ in range(count)))


def everything(amount: int) -> Withdraw:
    return Withdraw(id="t-1", amount=amount)


def resealed(disk: MemoryDisk, **changes: Any) -> None:
    """Changes the till's snapshot so that its seal still fits."""
    changed = disk.snapshots[TILL]._replace(**changes)
    event = disk.aggregates[TILL][changed.version - 1]
    disk.snapshots[TILL] = changed._replace(seal=seal(changed.shape, event.body, changed.body))


def unlike(number: int) -> Domain:
    """The same domain, whose states count otherwise."""
    decider = replace(DOMAIN.deciders["till"], shape=number)
    return replace(DOMAIN, deciders={"till": decider})


async def test_a_long_history_is_loaded_from_its_last_snapshot(disk: MemoryDisk) -> None:
    await grown(disk)
    store = CountingStore(disk)

    outcome = await told(store, everything(LONG + 1))

    assert isinstance(outcome, TurnedDown)
    assert outcome.refusal.details == {"balance": LONG}
    assert disk.snapshots[TILL].version == 2 * EVERY
    assert store.loaded == LONG - 2 * EVERY + 1  # with the snapshot's own event


async def test_a_young_aggregate_has_no_snapshot(disk: MemoryDisk) -> None:
    await grown(disk, EVERY - 1)

    assert disk.snapshots == {}


async def test_a_long_history_without_a_snapshot_gets_one_when_it_is_loaded(
    disk: MemoryDisk,
) -> None:
    await grown(disk)
    disk.snapshots.clear()

    await told(MemoryStore(disk), everything(LONG + 1))

    assert disk.snapshots[TILL].version == LONG


async def test_a_history_of_several_pages_is_folded_to_its_end(disk: MemoryDisk) -> None:
    await grown(disk, length := 2 * PAGE + 50)
    disk.snapshots.clear()

    outcome = await told(MemoryStore(disk), everything(length + 1))

    assert isinstance(outcome, TurnedDown)
    assert outcome.refusal.details == {"balance": length}


async def test_a_decider_that_names_no_state_type_has_none(disk: MemoryDisk) -> None:
    plain = replace(DOMAIN, deciders={"till": Decider(0, till.decide, till.evolve)})
    await told(MemoryStore(disk), *(Deposit(id="t-1", amount=1) for _ in range(LONG)), domain=plain)

    assert disk.snapshots == {}


async def test_a_snapshot_of_another_shape_is_ignored_and_replaced(disk: MemoryDisk) -> None:
    await grown(disk)
    old = disk.snapshots[TILL].shape
    resealed(disk, body=b"4711")

    outcome = await told(MemoryStore(disk), everything(LONG + 1), domain=unlike(2))

    assert isinstance(outcome, TurnedDown)
    assert disk.snapshots[TILL].body == b"%d" % LONG
    assert disk.snapshots[TILL].shape != old


BROKEN: dict[str, Mapping[str, Any]] = {
    "another body": {"body": b"4711"},
    "no JSON": {"body": b"\xff"},
    "another type": {"body": b'"much"'},
    "another event": {"event_id": "00000000-0000-7000-8000-000000000000"},
    "a version that the store lacks": {"version": LONG + 10},
    "another version": {"version": EVERY},
}


@pytest.mark.parametrize("changes", BROKEN.values(), ids=BROKEN.keys())
async def test_a_snapshot_that_does_not_fit_is_ignored(
    disk: MemoryDisk, changes: Mapping[str, Any]
) -> None:
    await grown(disk)
    disk.snapshots[TILL] = disk.snapshots[TILL]._replace(**changes)
    committer = Committer(DOMAIN, MemoryStore(disk), ManualClock())

    outcome = await told_by(committer, everything(LONG + 1))

    assert isinstance(outcome, TurnedDown)
    assert outcome.refusal.details == {"balance": LONG}
    assert committer.snapshots.counts["ignored"] == 1


async def test_an_ignored_snapshot_is_replaced(disk: MemoryDisk) -> None:
    await grown(disk)
    disk.snapshots[TILL] = disk.snapshots[TILL]._replace(body=b"4711")

    await told(MemoryStore(disk), everything(LONG + 1))

    assert disk.snapshots[TILL].body == b"%d" % LONG


async def test_a_snapshot_that_its_history_denies_is_found_out(disk: MemoryDisk) -> None:
    """As after a change of `evolve` without a new `shape`: the seal fits, the state is wrong."""
    await grown(disk)
    resealed(disk, body=b"4711")
    committer = Committer(DOMAIN, MemoryStore(disk), ManualClock())

    await told_by(committer, Deposit(id="t-1", amount=1))
    outcome = await told_by(committer, everything(LONG + 2))

    assert isinstance(outcome, TurnedDown)
    assert outcome.refusal.details == {"balance": LONG + 1}
    assert committer.snapshots.counts["wrong"] == 1
    assert committer.snapshots.shapes == {}
    assert list(committer.snapshots.problems) == ["snapshots of till"]


async def test_the_first_snapshot_that_is_loaded_is_proved_and_no_other(
    disk: MemoryDisk,
) -> None:
    await grown(disk)
    store = CountingStore(disk)
    committer = Committer(DOMAIN, store, ManualClock())
    await told_by(committer, Deposit(id="t-1", amount=1))
    assert committer.snapshots.counts["wrong"] == 0
    resealed(disk, body=b"4711")
    committer._deciding.states.forget([TILL])

    await told_by(committer, everything(4712))

    assert committer.snapshots.counts["wrong"] == 0


async def test_what_is_written_is_proved_when_a_history_has_doubled(disk: MemoryDisk) -> None:
    store = MemoryStore(disk)
    snapshots = Snapshots(DOMAIN, store)
    await grown(disk)

    snapshots.take(TILL, State(LONG, 4711))
    await snapshots.work()
    assert snapshots.counts == {"written": 1, "ignored": 0, "wrong": 0}  # 250: not yet

    await grown(disk, 20)
    snapshots.take(TILL, State(LONG + 20, 4711))
    await snapshots.work()

    assert snapshots.counts["wrong"] == 1
    assert disk.snapshots == {}


@pytest.mark.parametrize("value", [object(), (1, 2)], ids=["no JSON", "read back as a list"])
async def test_a_state_that_can_not_be_kept_stops_nobody(disk: MemoryDisk, value: object) -> None:
    decider = Decider([], lambda *_: [till.Locked()], lambda *_: value, state=list[int])
    odd = replace(DOMAIN, deciders={"till": decider})

    outcome = await told(
        MemoryStore(disk), *(Deposit(id="t-1", amount=1) for _ in range(EVERY + 1)), domain=odd
    )

    assert isinstance(outcome, Accepted)
    assert disk.snapshots == {}


async def test_an_outage_loses_snapshots_and_nothing_else(disk: MemoryDisk) -> None:
    await grown(disk)
    store = KeepingStore(disk)
    snapshots = Snapshots(DOMAIN, store)
    disk.unavailable = True
    snapshots.take(TILL, State(LONG, LONG))
    running = asyncio.create_task(snapshots.run())
    for _ in range(10):
        await asyncio.sleep(0)
    disk.unavailable = False

    snapshots.take(TILL, State(LONG, LONG))
    async with asyncio.timeout(10):
        await store.keeping.wait()

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [row.version for row in store.kept] == [LONG]


async def test_a_process_keeps_snapshots_beside_its_commands(disk: MemoryDisk) -> None:
    store = KeepingStore(disk)
    process = DomainProcess(DOMAIN, store, MemoryGround().broker())
    await process.start()

    deposits = [Deposit(id="t-1", amount=1) for _ in range(LONG)]
    await asyncio.gather(*(process.committer.submit(work(deposit)) for deposit in deposits))
    async with asyncio.timeout(10):
        await store.keeping.wait()

    await process.stop()
    assert {row.key for row in store.kept} == {TILL}


async def test_what_waits_to_be_written_is_bounded_and_the_latest_counts(
    disk: MemoryDisk,
) -> None:
    store = KeepingStore(disk)
    snapshots = Snapshots(DOMAIN, store)
    for number in range(PENDING + 10):
        for version in (1, 3):
            key = Key("till", f"t-{number}")
            last = NewEvent(f"e-{version}", key, version, "Deposited", b"{}")
            snapshots.take(key, State(version, version), last)
    await snapshots.work()

    assert len(store.kept) == PENDING
    assert {row.version for row in store.kept} == {3}


class Old(msgspec.Struct, frozen=True, tag=True):
    units: int = 0


class New(msgspec.Struct, frozen=True, tag="Old"):
    units: int = 0
    kept: int = 0


def shape(state: Any, number: int = 1) -> str:
    return Codec(Decider(None, till.decide, till.evolve, state=state, shape=number)).shape


def test_a_shape_is_that_of_the_structure_and_the_number() -> None:
    assert shape(Old) == shape(Old)
    assert len({shape(Old), shape(New), shape(Old | None), shape(Old, 2)}) == 4


def test_a_type_that_can_not_be_read_back_is_refused_at_once() -> None:
    with pytest.raises(TypeError):
        shape(Old | State | dict[str, int])
