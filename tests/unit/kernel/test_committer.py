"""Group commit on a store in memory that fails and is shared as the test wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from bus.batch import LEAVING, RETRY
from bus.clock import ManualClock, SystemClock
from bus.committer import FEW, Committer
from bus.envelope import Key
from bus.messages import Command
from bus.store.memory import MemoryDisk, MemoryStore
from bus.store.port import (
    START,
    Append,
    Checkpoint,
    Fired,
    Head,
    Landed,
    Moved,
    Parked,
    StoredEvent,
    StoreUnavailable,
)
from bus.tasks import end
from bus.work import (
    Accepted,
    Cause,
    Failed,
    Identity,
    IdReused,
    Outcome,
    Postponed,
    Stale,
    Superseded,
    TooLarge,
    TurnedDown,
    Work,
    WrongVersion,
)
from tests.unit.kernel.till import (
    DOMAIN,
    Consult,
    Deposit,
    Explode,
    Lock,
    Move,
    Unlock,
    Withdraw,
)

CAUSE = Cause("correlation", "cause")


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk()


class GatedStore(MemoryStore):
    """Lets a test hold commits, so that it can say what arrives meanwhile."""

    def __init__(self, disk: MemoryDisk) -> None:
        super().__init__(disk)
        self.gate = asyncio.Event()
        self.gate.set()
        self.appends: list[Append] = []
        self.committing = asyncio.Event()

    async def write(self, append: Append) -> Landed:
        self.appends.append(append)
        self.committing.set()
        await self.gate.wait()
        return await super().write(append)


@asynccontextmanager
async def committing(
    store: MemoryStore, behind: Callable[[str], Awaitable[bool]] | None = None
) -> AsyncIterator[Committer]:
    more: dict[str, Any] = {"behind": behind} if behind else {}
    committer = Committer(DOMAIN, store, ManualClock(), **more)
    running = asyncio.create_task(committer.run())
    yield committer
    await committer.drain()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def work(*commands: Command, id: str | None = None, digest: bytes = b"d", **more: Any) -> Work:
    identity = Identity(id, digest) if id else None
    return Work(commands=commands, cause=CAUSE, identity=identity, **more)


def moved(after: int, before: int = 0) -> Moved:
    start = Checkpoint(before, f"e{before}") if before else START
    return Moved("elsewhere", start, Checkpoint(after, f"e{after}"))


def parking(position: int) -> Parked:
    return Parked("till/elsewhere", "thing/1", position, b"{}", "it failed")


async def told(committer: Committer, *works: Work) -> list[Outcome]:
    return list(await asyncio.gather(*[committer.submit(one) for one in works]))


def types(disk: MemoryDisk) -> list[str]:
    return [event.type for event in disk.events]


async def test_a_command_is_told_its_events_version_and_position(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        await told(committer, work(Deposit(id="a", amount=5)))
        (outcome,) = await told(committer, work(Withdraw(id="a", amount=2)))
    assert isinstance(outcome, Accepted)
    assert (outcome.version, outcome.position) == (2, 2)
    assert [(written.type, written.version) for written in outcome.events] == [("Withdrawn", 2)]


async def test_what_arrives_during_a_commit_forms_the_next_batch(disk: MemoryDisk) -> None:
    store = GatedStore(disk)
    store.gate.clear()
    async with committing(store) as committer:
        first = committer.submit(work(Deposit(id="a", amount=1)))
        await store.committing.wait()
        rest = [committer.submit(work(Deposit(id="a", amount=1))) for _ in range(20)]
        store.gate.set()
        await asyncio.gather(first, *rest)
    assert [len(append.events) for append in store.appends] == [1, 20]


async def test_a_batch_takes_no_more_than_its_share(disk: MemoryDisk) -> None:
    store = GatedStore(disk)
    async with committing(store) as committer:
        store.gate.clear()
        outcomes = [committer.submit(work(Deposit(id=f"t-{n}", amount=1))) for n in range(300)]
        await store.committing.wait()
        assert len(store.appends[0].events) == 100
        store.gate.set()
        await asyncio.gather(*outcomes)
    sizes = [len(append.events) for append in store.appends]
    assert sum(sizes) == 300
    assert min(sizes[:-1]) >= FEW
    assert max(sizes) == 100


async def test_few_are_not_divided(disk: MemoryDisk) -> None:
    store = GatedStore(disk)
    async with committing(store) as committer:
        few = [work(Deposit(id=f"t-{n}", amount=1)) for n in range(FEW)]
        assert all(isinstance(outcome, Accepted) for outcome in await told(committer, *few))
    assert [len(append.events) for append in store.appends] == [FEW]


async def test_later_commands_of_a_batch_see_what_earlier_ones_decided(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        outcomes = await told(
            committer,
            work(Deposit(id="a", amount=5)),
            work(Withdraw(id="a", amount=5)),
            work(Withdraw(id="a", amount=1)),
        )
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, TurnedDown]


async def test_a_decision_may_span_aggregates(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        await told(committer, work(Deposit(id="a", amount=5)), work(Move(id="a", to="b", amount=5)))
        refused, accepted = await told(
            committer, work(Withdraw(id="a", amount=1)), work(Withdraw(id="b", amount=5))
        )
    assert isinstance(refused, TurnedDown)
    assert isinstance(accepted, Accepted)


async def test_a_no_op_is_accepted_without_events(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        (outcome,) = await told(committer, work(Deposit(id="a", amount=0)))
    assert isinstance(outcome, Accepted)
    assert (outcome.events, outcome.version, disk.head.position) == ([], 0, 0)


async def test_no_refusal_and_no_no_op_rests_on_a_stale_state(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as one, committing(MemoryStore(disk)) as other:
        await told(one, work(Deposit(id="a", amount=1)))
        await told(other, work(Deposit(id="a", amount=9)))  # `one` has not heard of it
        (outcome,) = await told(one, work(Withdraw(id="a", amount=10)))
        # The lost race has made it look again: it needed no transaction that can't lose.
        assert (one.counts["conflicts"], one.counts["exclusives"]) == (1, 0)
    assert isinstance(outcome, Accepted)


async def test_two_processes_neither_lose_nor_double_anything(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as one, committing(MemoryStore(disk)) as other:
        works = [work(Deposit(id=f"till-{n % 3}", amount=1)) for n in range(200)]
        outcomes = await asyncio.gather(
            *[(one if n % 2 else other).submit(each) for n, each in enumerate(works)]
        )
        assert one.counts["conflicts"] + other.counts["conflicts"] > 0
    positions = [outcome.position for outcome in outcomes if isinstance(outcome, Accepted)]
    assert sorted(positions) == list(range(1, 201))


async def test_only_one_of_two_processes_can_take_the_last_unit(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as one, committing(MemoryStore(disk)) as other:
        await told(one, work(Deposit(id="a", amount=1)))
        outcomes = await asyncio.gather(
            one.submit(work(Withdraw(id="a", amount=1))),
            other.submit(work(Withdraw(id="a", amount=1))),
        )
    assert {type(outcome) for outcome in outcomes} == {Accepted, TurnedDown}


async def test_a_batch_that_loses_twice_takes_the_head_first(disk: MemoryDisk) -> None:
    class Overtaken(MemoryStore):
        async def append(self, append: Append) -> Head:
            await self._overtake(append)
            return await super().append(append)

        async def write(self, append: Append) -> Landed:
            await self._overtake(append)
            return await super().write(append)

        async def _overtake(self, append: Append) -> None:
            if append.events:  # somebody else is always quicker
                async with committing(MemoryStore(disk)) as quicker:
                    await told(quicker, work(Deposit(id="a", amount=1)))

    async with committing(Overtaken(disk)) as committer:
        (outcome,) = await told(committer, work(Deposit(id="a", amount=100)))
        assert committer.counts == {"commits": 1, "conflicts": 2, "exclusives": 1}
    assert isinstance(outcome, Accepted)
    assert types(disk) == ["Deposited"] * 3


async def test_the_same_id_and_payload_is_answered_from_the_receipt(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        (first,) = await told(committer, work(Deposit(id="a", amount=1), id="c-1"))
        (again,) = await told(committer, work(Deposit(id="a", amount=1), id="c-1"))
    async with committing(MemoryStore(disk)) as restarted:
        (later,) = await told(restarted, work(Deposit(id="a", amount=1), id="c-1"))
    assert isinstance(first, Accepted)
    assert isinstance(later, Accepted)
    assert again == later
    assert (later.events, later.position, later.replayed) == (first.events, 1, True)
    assert types(disk) == ["Deposited"]


async def test_repeats_in_one_batch_are_decided_once(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        outcomes = await told(
            committer, *[work(Deposit(id="a", amount=1), id="c-1") for _ in range(5)]
        )
    assert types(disk) == ["Deposited"]
    assert sum(isinstance(o, Accepted) and o.replayed for o in outcomes) == 4


async def test_a_refusal_is_kept_too(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        (first,) = await told(committer, work(Withdraw(id="a", amount=1), id="c-1"))
        await told(committer, work(Deposit(id="a", amount=9)))
        (again,) = await told(committer, work(Withdraw(id="a", amount=1), id="c-1"))
    assert isinstance(first, TurnedDown)
    assert isinstance(again, TurnedDown)
    assert again.replayed
    assert (again.refusal.code, again.refusal.details) == ("TooLittle", {"balance": 0})


@pytest.mark.parametrize("restart", [False, True])
async def test_an_id_used_for_something_else_is_told_so(disk: MemoryDisk, restart: bool) -> None:
    async with committing(MemoryStore(disk)) as committer:
        await told(committer, work(Deposit(id="a", amount=1), id="c-1"))
        if not restart:
            (outcome,) = await told(
                committer, work(Deposit(id="a", amount=2), id="c-1", digest=b"other")
            )
    if restart:
        async with committing(MemoryStore(disk)) as committer:
            (outcome,) = await told(
                committer, work(Deposit(id="a", amount=2), id="c-1", digest=b"other")
            )
    assert outcome == IdReused()
    assert types(disk) == ["Deposited"]


async def test_an_expected_version_that_is_not_there_changes_nothing(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        await told(committer, work(Deposit(id="a", amount=1)))
        wrong, right = await told(
            committer,
            work(Deposit(id="a", amount=1), expected_version=7),
            work(Deposit(id="a", amount=1), expected_version=1),
        )
    assert wrong == WrongVersion(1)
    assert isinstance(right, Accepted)
    assert len(disk.events) == 2


async def test_a_repeat_with_its_old_expected_version_gets_its_receipt(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        await told(committer, work(Deposit(id="a", amount=1), id="c-1", expected_version=0))
    async with committing(MemoryStore(disk)) as restarted:
        (again,) = await told(
            restarted, work(Deposit(id="a", amount=1), id="c-1", expected_version=0)
        )
    assert isinstance(again, Accepted)
    assert again.replayed


async def test_a_decision_that_raises_fails_alone(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        outcomes = await told(
            committer,
            work(Deposit(id="a", amount=1)),
            work(Explode(id="a")),
            work(Deposit(id="a", amount=1)),
        )
    assert [type(outcome) for outcome in outcomes] == [Accepted, Failed, Accepted]
    assert len(disk.events) == 2


async def test_an_event_too_large_for_the_broker_is_not_written(disk: MemoryDisk) -> None:
    committer = Committer(DOMAIN, MemoryStore(disk), ManualClock(), max_payload=4200)
    running = asyncio.create_task(committer.run())
    (outcome,) = await told(committer, work(Deposit(id="a", amount=1)))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert isinstance(outcome, TooLarge)
    assert not disk.events


@pytest.mark.parametrize("fault", ["after", "before"])
async def test_after_an_unknown_commit_nothing_is_written_twice(
    disk: MemoryDisk, fault: Any
) -> None:
    async with committing(MemoryStore(disk)) as committer:
        heard: list[StoredEvent] = []
        committer.listeners.append(heard.extend)
        disk.fail_next(fault)
        (outcome,) = await told(committer, work(Deposit(id="a", amount=1)))
        if fault == "before":
            assert isinstance(outcome, Postponed)
            (outcome,) = await told(committer, work(Deposit(id="a", amount=1)))
    assert isinstance(outcome, Accepted)
    assert outcome.position == 1
    assert [event.position for event in heard] == [1]
    assert types(disk) == ["Deposited"]


class CrashingStore(MemoryStore):
    """Its server crashes once, when something has been written and is not safe yet."""

    crash = True

    async def write(self, append: Append) -> Landed:
        landed = await super().write(append)
        if not self.crash:
            return landed
        self.crash = False

        async def safe() -> None:
            for _ in range(5):  # others build on it meanwhile
                await asyncio.sleep(0)
            self.disk.crash.happen()
            await landed.safe()

        return Landed(landed.head, safe)


async def test_what_a_crash_takes_back_was_never_told(disk: MemoryDisk) -> None:
    disk.crash.fragile = True
    async with committing(CrashingStore(disk)) as committer:
        heard: list[StoredEvent] = []
        committer.listeners.append(heard.extend)
        lost = committer.submit(work(Deposit(id="a", amount=5), id="c-1"))
        await asyncio.sleep(0)
        rests_on_it = committer.submit(work(Withdraw(id="a", amount=5)))
        assert isinstance(await lost, Postponed)
        assert isinstance(await rests_on_it, TurnedDown | Postponed)
        assert heard == []
        (again,) = await told(committer, work(Deposit(id="a", amount=5), id="c-1"))
    assert isinstance(again, Accepted)
    assert not again.replayed
    assert types(disk) == ["Deposited"]
    assert [event.position for event in heard] == [1]


async def test_of_what_was_safe_before_a_crash_nothing_is_written_twice(disk: MemoryDisk) -> None:
    class Reread(CrashingStore):
        async def write(self, append: Append) -> Landed:
            landed = await super().write(append)
            await self.read(0, 1)  # somebody reads it, which makes it safe
            return landed

    disk.crash.fragile = True
    async with committing(Reread(disk)) as committer:
        (outcome,) = await told(committer, work(Deposit(id="a", amount=5), id="c-1"))
    assert isinstance(outcome, Accepted)
    assert types(disk) == ["Deposited"]


async def test_a_fault_while_an_unknown_commit_is_looked_up_leaves_nobody_waiting(
    disk: MemoryDisk,
) -> None:
    class Faulty(MemoryStore):
        faults = 2

        async def sequence(self, key: Key, **more: Any) -> Sequence[StoredEvent]:
            if self.faults:
                self.faults -= 1
                raise RuntimeError("nobody has foreseen this")
            return await super().sequence(key, **more)

    store = Faulty(disk)
    committer = Committer(DOMAIN, store, SystemClock())
    running = asyncio.create_task(committer.run())
    disk.fail_next("after")
    (outcome,) = await told(committer, work(Deposit(id="a", amount=1)))
    assert isinstance(outcome, Accepted)
    assert types(disk) == ["Deposited"]
    assert store.faults == 0
    await end([running])


async def test_a_stop_does_not_wait_for_ever_for_a_store_that_stays_away(
    disk: MemoryDisk,
) -> None:
    class Gone(MemoryStore):
        async def sequence(self, key: Key, **more: Any) -> Sequence[StoredEvent]:
            raise StoreUnavailable("it is gone")

    clock = ManualClock()
    committer = Committer(DOMAIN, Gone(disk), clock)
    running = asyncio.create_task(committer.run())
    disk.fail_next("after")
    outcome = committer.submit(work(Deposit(id="a", amount=1), id="c-1"))
    stopping = asyncio.create_task(committer.drain())
    for _ in range(20):
        clock.advance(timedelta(seconds=RETRY))
        await asyncio.sleep(0)
    assert not outcome.done()
    async with asyncio.timeout(10):
        while not stopping.done():
            clock.advance(timedelta(seconds=RETRY))
            await asyncio.sleep(0)
    told_at_last = outcome.result()
    assert isinstance(told_at_last, Postponed)
    assert "not known" in told_at_last.reason
    assert clock.now() - ManualClock().now() < timedelta(seconds=2 * LEAVING)
    await end([running])


async def test_a_fault_after_the_commit_leaves_nobody_waiting_and_writes_nothing_twice(
    disk: MemoryDisk,
) -> None:
    def faulty(_: Sequence[StoredEvent]) -> None:
        committer.listeners.clear()
        raise RuntimeError("nobody has foreseen this")

    async with committing(MemoryStore(disk)) as committer:
        committer.listeners.append(faulty)
        (first,) = await told(committer, work(Deposit(id="a", amount=1), id="c-1"))
        assert isinstance(first, Postponed)
        (again,) = await told(committer, work(Deposit(id="a", amount=1), id="c-1"))
    assert isinstance(again, Accepted)
    assert again.replayed
    assert types(disk) == ["Deposited"]


async def test_what_rested_on_a_failed_commit_is_decided_again_before_it_is_written(
    disk: MemoryDisk,
) -> None:
    store = GatedStore(disk)
    store.gate.clear()
    async with committing(store) as committer:
        disk.fail_next("before")
        lost = committer.submit(work(Deposit(id="a", amount=5)))
        await store.committing.wait()
        rests_on_it = committer.submit(work(Withdraw(id="a", amount=5)))
        await asyncio.sleep(0)
        store.gate.set()
        assert isinstance(await lost, Postponed)
        assert isinstance(await rests_on_it, TurnedDown)
        assert committer.counts["conflicts"] == 0


async def test_an_unreachable_store_postpones_and_goes_on(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        disk.unavailable = True
        (postponed,) = await told(committer, work(Deposit(id="a", amount=1)))
        disk.unavailable = False
        (accepted,) = await told(committer, work(Deposit(id="a", amount=1)))
    assert isinstance(postponed, Postponed)
    assert isinstance(accepted, Accepted)


def _picky(append: Append) -> None:
    if any(event.key.id == "bad" for event in append.events):
        raise ValueError("the database won't have it")


async def test_one_work_that_breaks_the_append_does_not_stop_the_others(disk: MemoryDisk) -> None:
    class Picky(MemoryStore):
        async def append(self, append: Append) -> Head:
            _picky(append)
            return await super().append(append)

        async def write(self, append: Append) -> Landed:
            _picky(append)
            return await super().write(append)

    async with committing(Picky(disk)) as committer:
        outcomes = await told(
            committer,
            *[work(Deposit(id=id, amount=1)) for id in ("a", "b", "bad", "c", "d", "e")],
        )
    assert [type(o) for o in outcomes] == [Accepted, Accepted, Failed, Accepted, Accepted, Accepted]
    assert [event.key.id for event in disk.events] == ["a", "b", "c", "d", "e"]


async def test_a_refusal_on_a_copy_that_is_behind_is_no_refusal(disk: MemoryDisk) -> None:
    async def behind(upstream: str) -> bool:
        return upstream == "elsewhere"

    async with committing(MemoryStore(disk), behind) as committer:
        (stale,) = await told(committer, work(Consult(id="a"), id="c-1"))
    async with committing(MemoryStore(disk)) as committer:
        (refused,) = await told(committer, work(Consult(id="a"), id="c-1"))
    assert stale == Stale("elsewhere")
    assert isinstance(refused, TurnedDown)
    assert refused.refusal.code == "NotThere"


async def test_reactions_write_events_and_their_place_in_one(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        await told(
            committer,
            work(Deposit(id="a", amount=1), moved=moved(1)),
            work(moved=moved(4, before=1)),
            work(Withdraw(id="b", amount=1), Deposit(id="c", amount=1), moved=moved(5, before=4)),
        )
    assert disk.upstreams["elsewhere"] == Checkpoint(5, "e5")
    assert [event.key.id for event in disk.events] == ["a", "c"]
    assert [(r.position, r.id, r.code) for r in disk.refusals] == [(5, "b", "TooLittle")]


async def test_a_reaction_that_raises_is_parked_and_the_others_go_on(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        outcomes = await told(
            committer,
            work(Explode(id="a"), moved=moved(1), parked_if_failed=parking(1)),
            work(moved=moved(2, before=1), parked_if_failed=parking(2), always_park=True),
            work(Deposit(id="b", amount=1), moved=moved(3, before=2)),
        )
    assert [type(outcome) for outcome in outcomes] == [Failed, Failed, Accepted]
    assert sorted(position for _, _, position in disk.parked) == [1, 2]
    assert disk.upstreams["elsewhere"].position == 3


async def test_a_second_leader_is_superseded(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as one, committing(MemoryStore(disk)) as other:
        await told(one, work(Deposit(id="a", amount=1), moved=moved(1)))
        outcomes = await told(
            other,
            work(Deposit(id="a", amount=1), moved=moved(1)),
            work(Deposit(id="b", amount=1)),
        )
    assert [type(outcome) for outcome in outcomes] == [Superseded, Accepted]
    assert [event.key.id for event in disk.events] == ["a", "b"]


async def test_a_duty_is_fulfilled_once(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as one, committing(MemoryStore(disk)) as other:
        await told(one, work(Lock(id="a")))
        assert list(disk.duties) == ["unlock:a"]
        fired = Fired("unlock:a", disk.duties["unlock:a"].event_id)
        outcomes = [
            *await told(one, work(Unlock(id="a"), fired=fired)),
            *await told(other, work(Unlock(id="a"), fired=fired)),
        ]
    assert [type(outcome) for outcome in outcomes] == [Accepted, Superseded]
    assert types(disk) == ["Locked", "Unlocked"]
    assert not disk.duties


async def test_listeners_hear_of_every_event_in_order(disk: MemoryDisk) -> None:
    async with committing(MemoryStore(disk)) as committer:
        heard: list[int] = []
        committer.listeners.append(lambda events: heard.extend(e.position for e in events))
        await told(committer, *[work(Deposit(id=f"{n}", amount=1)) for n in range(50)])
    assert heard == list(range(1, 51))
