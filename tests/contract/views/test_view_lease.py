"""One process of a view tells live queries, and another one when it has gone or stood still."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bus.store import lease as postgres_lease
from bus.store.port import Lease
from bus.views import postgres, redis_lease
from bus.views.memory import MemoryViewStore
from bus.views.port import ViewStore
from tests.contract.views.conftest import Stores
from tests.contract.views.sample import DEBTS
from tests.contract.views.scene import PATIENCE


async def still_waits(waiting: asyncio.Task[None]) -> None:
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done


async def two(stores: Stores) -> tuple[Lease, Lease]:
    return (await stores(DEBTS)).lease(), (await stores(DEBTS)).lease()


async def given_up(*leases: Lease) -> None:
    """The stores' fixture closes what they stand on."""
    for lease in leases:
        await lease.release()


async def test_one_leads_until_it_gives_that_up(stores: Stores) -> None:
    first, second = await two(stores)
    assert not first.held
    await first.acquire()
    assert first.held
    waiting = asyncio.create_task(second.acquire())
    await still_waits(waiting)
    assert not second.held
    await first.release()
    await asyncio.wait_for(waiting, PATIENCE)
    assert (first.held, second.held) == (False, True)
    await given_up(first, second)


async def test_each_view_has_a_leader_of_its_own(stores: Stores) -> None:
    first = (await stores(DEBTS)).lease()
    other = (await stores(replace(DEBTS, name="others"))).lease()
    await first.acquire()
    await asyncio.wait_for(other.acquire(), PATIENCE)
    await given_up(first, other)


async def test_whoever_waits_no_longer_is_in_nobodys_way(stores: Stores) -> None:
    first, second = await two(stores)
    third = (await stores(DEBTS)).lease()
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await still_waits(waiting)
    waiting.cancel()
    await asyncio.wait([waiting])
    await first.release()
    await asyncio.wait_for(third.acquire(), PATIENCE)
    assert not second.held
    await given_up(second, third)


async def lose(store: ViewStore) -> None:
    """What a server does that forgets who leads."""
    if isinstance(store, MemoryViewStore):
        store._views.leadership["debts"].end()
    elif isinstance(store, postgres.PostgresViewStore):
        async with store._connections.asking() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
                " and database = (select oid from pg_database where datname = current_database())"
                " and granted and pid <> pg_backend_pid()"
            )
    else:
        await store._redis.delete("{view:debts}:leader")  # type: ignore[attr-defined]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life in quick succession."""
    monkeypatch.setattr(postgres_lease, "TOUCH", 0.02)
    monkeypatch.setattr(redis_lease, "TOUCH", 0.02)


@pytest.mark.usefixtures("quick")
async def test_what_the_server_has_forgotten_is_noticed(stores: Stores) -> None:
    first, second = await two(stores)
    await first.acquire()
    await lose(await stores(DEBTS))
    await asyncio.wait_for(first.lost(), PATIENCE)
    assert not first.held
    await asyncio.wait_for(second.acquire(), PATIENCE)
    await first.release()
    assert second.held
    await given_up(second)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sign of life comes in time."""
    for module in (postgres_lease, redis_lease):
        monkeypatch.setattr(module, "IDLE", 0.3)
        monkeypatch.setattr(module, "TOUCH", 60.0)
    monkeypatch.setattr(postgres, "IDLE", 0.3)
    monkeypatch.setattr(redis_lease, "RETRY", 0.02)


@pytest.mark.usefixtures("still")
async def test_whoever_stands_still_leads_no_longer_before_another_one_does(
    stores: Stores, backend: str
) -> None:
    if backend == "memory":
        return  # a process that stands still takes all of it along
    first, second = await two(stores)
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    waiting.add_done_callback(lambda _: held.append(first.held))
    held: list[bool] = []
    await asyncio.wait_for(waiting, PATIENCE)
    assert held == [False]
    await given_up(first, second)
