"""What has always been new is not looked up; where that was wrong, nobody can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from bus import guesses
from bus.clock import ManualClock
from bus.committer import Committer
from bus.envelope import Key
from bus.messages import Command
from bus.store.memory import MemoryDisk, MemoryStore
from bus.store.port import Past
from bus.work import Accepted, Cause, Outcome, TurnedDown, Work, WrongVersion
from tests.unit.kernel.till import DOMAIN, Deposit, Withdraw

CERTAIN = 3


class LookingStore(MemoryStore):
    """Tells which tills were looked up."""

    def __init__(self, disk: MemoryDisk) -> None:
        super().__init__(disk)
        self.looked_up: list[str] = []

    async def recall(
        self, keys: Sequence[Key], shapes: Mapping[str, str], limit: int
    ) -> Mapping[Key, Past]:
        self.looked_up += [key.id for key in keys]
        return await super().recall(keys, shapes, limit)


class Till:
    def __init__(self, store: LookingStore) -> None:
        self.store = store
        self.committer = Committer(DOMAIN, store, ManualClock())

    async def told(self, command: Command, expected_version: int | None = None) -> Outcome:
        cause = Cause("correlation", "cause")
        work = Work(commands=(command,), cause=cause, expected_version=expected_version)
        return await self.committer.submit(work)

    async def looked_up(self, command: Command) -> Sequence[str]:
        """What is looked up for `command`, which is accepted."""
        self.store.looked_up.clear()
        assert isinstance(await self.told(command), Accepted)
        return list(self.store.looked_up)


@asynccontextmanager
async def till(disk: MemoryDisk) -> AsyncIterator[Till]:
    """A process that has met so many new tills that it takes the next for new."""
    it = Till(LookingStore(disk))
    running = asyncio.create_task(it.committer.run())
    for number in range(CERTAIN):
        assert await it.looked_up(Deposit(id=f"first-{number}", amount=1))
    yield it
    await it.committer.drain()
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture(autouse=True)
def soon_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "CERTAIN", CERTAIN)


@pytest.fixture
async def disk() -> MemoryDisk:
    """Where somebody else has filled the till x."""
    disk = MemoryDisk()
    committer = Committer(DOMAIN, MemoryStore(disk), ManualClock())
    running = asyncio.create_task(committer.run())
    cause = Cause("correlation", "cause")
    await committer.submit(Work(commands=[Deposit(id="x", amount=5)], cause=cause))
    running.cancel()
    await asyncio.wait([running])
    return disk


async def test_what_has_always_been_new_is_not_looked_up(disk: MemoryDisk) -> None:
    async with till(disk) as it:
        assert await it.looked_up(Deposit(id="new-1", amount=1)) == []
        assert await it.looked_up(Deposit(id="new-2", amount=1)) == []


async def test_what_is_there_is_found_all_the_same(disk: MemoryDisk) -> None:
    async with till(disk) as it:
        outcome = await it.told(Deposit(id="x", amount=2))
        assert isinstance(outcome, Accepted)
        assert outcome.version == 2
        assert it.committer.counts["conflicts"] == 1


async def test_after_a_wrong_guess_none_is_made_until_it_is_certain_again(
    disk: MemoryDisk,
) -> None:
    async with till(disk) as it:
        await it.told(Deposit(id="x", amount=2))
        for number in range(CERTAIN):
            assert await it.looked_up(Deposit(id=f"new-{number}", amount=1)) == [f"new-{number}"]
        assert await it.looked_up(Deposit(id="new", amount=1)) == []


async def test_a_guess_holds_for_its_command_alone(disk: MemoryDisk) -> None:
    async with till(disk) as it:
        assert await it.looked_up(Withdraw(id="x", amount=2)) == ["x"]


async def test_no_answer_rests_on_a_wrong_guess(disk: MemoryDisk) -> None:
    async with till(disk) as it:
        for number in range(CERTAIN):
            assert isinstance(await it.told(Withdraw(id=f"t-{number}", amount=1)), TurnedDown)
        assert isinstance(await it.told(Withdraw(id="x", amount=5)), Accepted)


@pytest.mark.parametrize(("expected", "outcome"), [(1, Accepted), (0, WrongVersion)])
async def test_an_expected_version_is_compared_with_what_is_there(
    disk: MemoryDisk, expected: int, outcome: type[Outcome]
) -> None:
    async with till(disk) as it:
        told = await it.told(Deposit(id="x", amount=1), expected_version=expected)
        assert isinstance(told, outcome)


async def test_a_no_op_is_told_the_version_that_is_there(disk: MemoryDisk) -> None:
    async with till(disk) as it:
        told = await it.told(Deposit(id="x", amount=0))
        assert isinstance(told, Accepted)
        assert (told.version, told.events) == (1, [])
