"""Reactions happen exactly once, and what can't be taken parks its own key alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bus.broker.port import Outgoing
from bus.clock import SystemClock
from bus.committer import Committer
from bus.parked import Retried
from bus.reactions import Reactions
from bus.reader import RestoredBackup
from bus.store.memory import MemoryDisk, MemoryStore
from bus.store.port import Append, Checkpoint, Head, Landed, Moved, NewEvent, Store
from bus.testing.ground import MemoryGround
from tests.contract.way.conftest import Till
from tests.contract.way.ledger import QUIET, REFUSED, Faults, ledger
from tests.contract.way.till_events import deposited


class Ledger:
    """One process of the ledger: reactions and the committer that they share."""

    def __init__(self, till: Till, faults: Faults) -> None:
        self._till = till
        self._domain = ledger(faults)

    async def start(self, store: Store | None = None) -> None:
        domain = self._domain
        self.store = store or await self._till.another_store("ledger")
        self.committer = Committer(domain, self.store, SystemClock())
        broker = await self._till.another_broker()
        self.reactions = Reactions(domain, domain.reactions[0], self.store, broker, self.committer)
        self._till.start(self.committer.run())
        self.running = self._till.start(self.reactions.run())

    async def noted(self, id: str) -> list[int]:
        """The amounts on a page, in order."""
        contract = self._domain.contract
        stored = await self.store.history(id, 0, 10_000)
        recorded = [contract.decode(event.position, event.body) for event in stored]
        return [event.data.amount for event in recorded]  # type: ignore[attr-defined]

    async def reacted(self) -> None:
        """Returns when the place in the till is at its end."""

        async def done() -> bool:
            if self.running.done():
                self.running.result()
            head = (await self._till.store.head()).position
            return (await self.store.checkpoint("till")).position == head

        await self._till.until(done)
        await self._till.until(self._settled)

    async def _settled(self) -> bool:
        return self.reactions.position == (await self.store.checkpoint("till")).position

    async def parked(self) -> list[tuple[str, int, int]]:
        return [(row.key, row.position, row.attempts) for row in await self.store.parked()]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def books(till: Till, faults: Faults) -> Ledger:
    found = Ledger(till, faults)
    await found.start()
    return found


@pytest.fixture
async def memory_books(memory_till: Till, faults: Faults) -> Ledger:
    found = Ledger(memory_till, faults)
    await found.start()
    return found


async def deposit(till: Till, deposits: Sequence[tuple[str, int]]) -> None:
    """Appends deposits and has them in the stream at once."""
    versions = await till.store.versions([deposited(id, 1).key for id, _ in deposits])
    seen = dict(versions)
    events: list[NewEvent] = []
    for id, amount in deposits:
        key = deposited(id, 1).key
        seen[key] += 1
        events.append(deposited(id, seen[key], amount))
    before = (await till.store.head()).position
    await till.store.append(Append(expected=versions, events=events))
    await relay(till, before, events)


async def relay(till: Till, before: int, events: Sequence[NewEvent]) -> None:
    await till.broker.ensure_stream("till")
    run = [Outgoing(f"evt.till.till.{e.key.id}.{e.type}", e.body) for e in events]
    await till.broker.publish_run("till", before, run)


async def test_every_event_is_reacted_to_once_and_in_order(till: Till, books: Ledger) -> None:
    await deposit(till, [(f"t-{n % 10}", n + 1000) for n in range(100)])
    await books.reacted()
    for digit in range(10):
        expected = [n + 1000 for n in range(100) if n % 10 == digit]
        assert await books.noted(f"t-{digit}") == expected


async def test_what_it_writes_says_what_caused_it(memory_till: Till, memory_books: Ledger) -> None:
    await deposit(memory_till, [("t-1", 5)])
    await memory_books.reacted()
    (stored,) = await memory_books.store.history("t-1", 0, 10)
    recorded = ledger(Faults()).contract.decode(1, stored.body)
    assert recorded.causation_id == "till:1"
    assert recorded.correlation_id == "correlation-t-1"


async def test_another_process_goes_on_where_one_was_stopped(
    till: Till, books: Ledger, faults: Faults
) -> None:
    await deposit(till, [("t-1", n + 1000) for n in range(40)])
    await till.until(lambda: _is(books.reactions.position > 0))
    books.running.cancel()
    successor = Ledger(till, faults)
    await successor.start()
    await deposit(till, [("t-1", n + 1000) for n in range(40, 50)])
    await successor.reacted()
    assert await successor.noted("t-1") == [n + 1000 for n in range(50)]


async def test_two_processes_at_once_double_nothing(
    till: Till, books: Ledger, faults: Faults
) -> None:
    other = Ledger(till, faults)
    await other.start()
    for round in range(10):
        await deposit(till, [(f"t-{n}", 1000 + round) for n in range(5)])
    await books.reacted()
    for n in range(5):
        assert await books.noted(f"t-{n}") == [1000 + round for round in range(10)]


async def test_events_that_need_nothing_are_passed(memory_till: Till, memory_books: Ledger) -> None:
    await deposit(memory_till, [("t-1", QUIET)] * 30)
    await memory_books.reacted()
    assert await memory_books.noted("t-1") == []
    assert memory_books.reactions.position == 30
    assert memory_books.committer.counts["commits"] < 30


async def test_a_refusal_is_counted_and_the_rest_goes_on(
    memory_till: Till, memory_books: Ledger
) -> None:
    await deposit(memory_till, [("t-1", 5), ("t-1", REFUSED), ("t-1", 6)])
    await memory_books.reacted()
    assert await memory_books.noted("t-1") == [5, 6]
    assert memory_books.reactions.refused == 1
    assert await memory_books.parked() == []


@pytest.mark.parametrize("part", ["react", "decide"])
async def test_what_fails_parks_its_key_in_order_and_no_other(
    till: Till, books: Ledger, faults: Faults, part: str
) -> None:
    getattr(faults, part).add(13)
    await deposit(till, [("t-1", 5), ("t-1", 13), ("t-2", 6), ("t-1", 7000), ("t-2", 8)])
    await deposit(till, [("t-1", 9)])
    await books.reacted()
    assert await books.noted("t-1") == [5]
    assert await books.noted("t-2") == [6, 8]
    assert await books.parked() == [("till/t-1", 2, 1), ("till/t-1", 4, 1), ("till/t-1", 6, 1)]
    reasons = [row.reason for row in await books.store.parked("ledger/till")]
    said = {"react": "LookupError: no such account", "decide": "ZeroDivisionError: can't divide it"}
    assert reasons[0] == said[part]
    assert reasons[1:] == ["an earlier event of its key is parked"] * 2


async def test_a_parked_key_stays_parked_for_the_next_process(
    memory_till: Till, memory_books: Ledger, faults: Faults
) -> None:
    faults.react.add(13)
    await deposit(memory_till, [("t-1", 13)])
    await memory_books.reacted()
    memory_books.running.cancel()
    successor = Ledger(memory_till, Faults())
    await successor.start()
    await deposit(memory_till, [("t-1", 5), ("t-2", 5)])
    await successor.reacted()
    assert await successor.noted("t-1") == []
    assert await successor.noted("t-2") == [5]


async def test_retrying_takes_what_was_parked_in_order_and_frees_the_key(
    till: Till, books: Ledger, faults: Faults
) -> None:
    faults.react.add(13)
    await deposit(till, [("t-1", 13), ("t-1", 5), ("t-2", 13), ("t-1", 6)])
    await books.reacted()
    faults.react.clear()
    assert await books.reactions.retry() == Retried(retried=4, failed=0)
    assert await books.parked() == []
    await deposit(till, [("t-1", 7000)])
    await books.reacted()
    assert await books.noted("t-1") == [13, 5, 6, 7000]
    assert await books.noted("t-2") == [13]


async def test_retrying_one_key_leaves_the_others_parked(
    memory_till: Till, memory_books: Ledger, faults: Faults
) -> None:
    faults.decide.add(13)
    await deposit(memory_till, [("t-1", 13), ("t-2", 13)])
    await memory_books.reacted()
    faults.decide.clear()
    assert await memory_books.reactions.retry("till/t-2") == Retried(retried=1, failed=0)
    assert await memory_books.parked() == [("till/t-1", 1, 1)]


@pytest.mark.parametrize("part", ["react", "decide"])
async def test_what_fails_again_stays_with_all_that_is_behind_it(
    memory_till: Till, memory_books: Ledger, faults: Faults, part: str
) -> None:
    getattr(faults, part).update((13, 14))
    await deposit(memory_till, [("t-1", 13), ("t-1", 14), ("t-1", 6)])
    await memory_books.reacted()
    getattr(faults, part).remove(13)
    assert await memory_books.reactions.retry() == Retried(retried=1, failed=1)
    assert await memory_books.parked() == [("till/t-1", 2, 2), ("till/t-1", 3, 1)]
    assert await memory_books.noted("t-1") == [13]
    await deposit(memory_till, [("t-1", 7000)])
    await memory_books.reacted()
    assert await memory_books.noted("t-1") == [13]


async def test_an_unknown_event_parks_its_key(memory_till: Till, memory_books: Ledger) -> None:
    known = deposited("t-1", 1, 5)
    strange = known._replace(type="Strange", body=known.body.replace(b"Deposited", b"Strange"))
    await memory_till.store.append(Append(expected={known.key: 0}, events=[strange]))
    await relay(memory_till, 0, [strange])
    await deposit(memory_till, [("t-2", 6)])
    await memory_books.reacted()
    assert [key for key, _, _ in await memory_books.parked()] == ["till/t-1"]
    assert await memory_books.noted("t-2") == [6]


async def test_bytes_that_are_no_event_park_their_position(till: Till, books: Ledger) -> None:
    noise = deposited("t-1", 1)._replace(body=b'{"nothing":"of it"}')
    await till.store.append(Append(expected={noise.key: 0}, events=[noise]))
    await relay(till, 0, [noise])
    await deposit(till, [("t-2", 6)])
    await books.reacted()
    assert [key for key, _, _ in await books.parked()] == ["position/1"]
    assert await books.noted("t-2") == [6]


async def test_a_place_that_the_till_does_not_know_stops_the_reactions(
    memory_till: Till, faults: Faults
) -> None:
    await deposit(memory_till, [("t-1", 5)])
    store = await memory_till.another_store("ledger")
    before = await store.checkpoint("till")
    await store.append(Append(moved=[Moved("till", before, Checkpoint(1, "another-event"))]))
    books = Ledger(memory_till, faults)
    await books.start(store)
    with pytest.raises(RestoredBackup, match="Position 1 of stream TILL"):
        await asyncio.wait_for(books.running, 20)


class PickyStore(MemoryStore):
    """Can't write an event that holds a certain amount, as a database may not."""

    def __init__(self, disk: MemoryDisk, hated: bytes) -> None:
        super().__init__(disk)
        self._hated = hated

    async def append(self, append: Append) -> Head:
        self._look(append)
        return await super().append(append)

    async def write(self, append: Append) -> Landed:
        self._look(append)
        return await super().write(append)

    def _look(self, append: Append) -> None:
        if any(self._hated in event.body for event in append.events):
            raise ValueError("not in my tables")


async def test_what_can_t_be_written_parks_its_key_and_no_other(memory_till: Till) -> None:
    books = Ledger(memory_till, Faults())
    await books.start(PickyStore(MemoryDisk(), b'"amount":4711}'))
    await deposit(memory_till, [("t-1", 5), ("t-2", 4711), ("t-1", 6), ("t-2", 8)])
    await books.reacted()
    assert await books.noted("t-1") == [5, 6]
    assert [(key, at) for key, at, _ in await books.parked()] == [("till/t-2", 2), ("till/t-2", 4)]


@pytest.mark.parametrize("fault", ["before", "after", "unreachable"])
async def test_a_commit_that_breaks_off_is_neither_lost_nor_doubled(
    memory_till: Till, memory_ground: MemoryGround, fault: str
) -> None:
    books = Ledger(memory_till, Faults())
    await books.start()
    memory_ground.disks["ledger"].fail_next(fault, fault)  # type: ignore[arg-type]
    await deposit(memory_till, [("t-1", n + 1000) for n in range(20)])
    await books.reacted()
    assert await books.noted("t-1") == [n + 1000 for n in range(20)]


async def _is(value: bool) -> bool:
    return value
