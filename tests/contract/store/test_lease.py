"""One process leads at a time; leadership passes on when it is given up or lost."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from bus.store.memory import MemoryStore
from bus.store.port import Lease, Store
from bus.store.postgres import PostgresStore
from tests.contract.store.building import Another

BOUND = 20.0
"""Seconds after which a test that waits for leadership has failed."""

_LEADERS = """from pg_stat_activity a join pg_locks l using (pid)
    where l.locktype = 'advisory' and l.granted and a.pid <> pg_backend_pid()
    and a.datname = current_database()"""

_OTHERS = "from pg_stat_activity where pid <> pg_backend_pid()"


async def end_sessions(store: Store, url: str) -> None:
    """What a restarted server does to whoever leads."""
    if isinstance(store, MemoryStore):
        store.disk.leadership.end()
        return
    connection = await asyncpg.connect(url)
    await connection.execute(f"select pg_terminate_backend(pid) {_LEADERS}")
    await connection.close()


async def waiting(lease: Lease) -> asyncio.Task[None]:
    """An acquisition under way, that has had its chance."""
    task = asyncio.create_task(lease.acquire())
    done, _ = await asyncio.wait([task], timeout=0.1)
    assert not done
    return task


async def test_a_second_process_leads_when_the_first_gives_up(another: Another) -> None:
    first, second = (await another()).lease(), (await another()).lease()
    await first.acquire()
    taking_over = await waiting(second)

    await first.release()

    await asyncio.wait_for(taking_over, BOUND)
    await asyncio.wait_for(first.lost(), BOUND)
    await second.release()


async def test_a_lost_session_passes_leadership_on_and_is_noticed(
    another: Another, stores_database: str
) -> None:
    store = await another()
    first, second = store.lease(), (await another()).lease()
    await first.acquire()
    taking_over = await waiting(second)

    await end_sessions(store, stores_database)

    await asyncio.wait_for(asyncio.gather(taking_over, first.lost()), BOUND)
    await second.release()
    await first.acquire()
    await first.release()


async def test_releasing_what_was_lost_takes_nothing_from_the_next_leader(
    another: Another, stores_database: str
) -> None:
    store = await another()
    first, second, third = store.lease(), store.lease(), store.lease()
    await first.acquire()
    await end_sessions(store, stores_database)
    await asyncio.wait_for(second.acquire(), BOUND)

    await first.release()
    await first.release()

    taking_over = await waiting(third)
    await second.release()
    await asyncio.wait_for(taking_over, BOUND)
    await third.release()


async def test_giving_up_waiting_leaves_no_claim_behind(another: Another) -> None:
    store = await another()
    first, second, third = store.lease(), store.lease(), store.lease()
    await first.acquire()
    abandoned = await waiting(second)
    abandoned.cancel()
    await asyncio.wait([abandoned])

    await first.release()

    await asyncio.wait_for(third.acquire(), BOUND)
    await third.release()


async def test_a_leader_that_stands_still_loses_its_session(
    stores_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.store.postgres.IDLE", 0.3)
    monkeypatch.setattr("bus.store.lease.TOUCH", 2.0)  # it would touch long after that
    store = PostgresStore(stores_database, schema="still")
    await store.open()
    paused, next_one = store.lease(), PostgresStore(stores_database, schema="still").lease()
    await paused.acquire()

    await asyncio.wait_for(next_one.acquire(), BOUND)

    await asyncio.wait_for(paused.lost(), BOUND)
    await next_one.release()
    await store.close()


async def test_a_leader_that_gives_signs_of_life_keeps_its_session(
    stores_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.store.postgres.IDLE", 0.5)
    monkeypatch.setattr("bus.store.lease.TOUCH", 0.05)
    store = PostgresStore(stores_database, schema="alive")
    leading, waiting_one = store.lease(), store.lease()
    await leading.acquire()

    rival = asyncio.create_task(waiting_one.acquire())
    done, _ = await asyncio.wait([rival], timeout=1.0)

    assert not done
    await leading.release()
    await asyncio.wait_for(rival, BOUND)
    await waiting_one.release()


async def test_whoever_stands_by_keeps_no_old_rows_from_being_swept(stores_database: str) -> None:
    store = PostgresStore(stores_database, schema="swept")
    first, second = store.lease(), store.lease()
    await first.acquire()
    standing_by = await waiting(second)
    connection = await asyncpg.connect(stores_database)
    holding = f"select pid {_OTHERS} and backend_xmin is not null and wait_event = 'advisory'"
    assert await connection.fetch(holding) == []
    standing_by.cancel()
    await asyncio.wait([standing_by])
    await first.release()
    await connection.close()
