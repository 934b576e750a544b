"""When the database goes away: what is known, what is not, and going on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import asyncpg
import pytest

from bus.embedded import PostgresServer
from bus.store import postgres
from bus.store.memory import MemoryDisk, MemoryStore
from bus.store.port import StoreUnavailable
from bus.store.postgres import PostgresStore
from tests.contract.store.building import ORDER, OTHER, placed

BOUND = 60.0
"""Seconds within which a restarted server must be found again."""


@pytest.fixture
async def server() -> AsyncIterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="trueup-"))
    server = PostgresServer(folder / "postgres")
    await server.start()
    yield server
    await server.stop()
    await asyncio.to_thread(shutil.rmtree, folder)


async def appends_waiting(url: str) -> int:
    """Returns when an append waits for the head's lock."""
    connection = await asyncpg.connect(url)
    try:
        while True:
            waiting: int = await connection.fetchval(
                "select count(*) from pg_stat_activity"
                " where wait_event_type = 'Lock' and query like '%append(%'"
            )
            if waiting:
                return waiting
            await asyncio.sleep(0.01)  # the server tells nobody that a session waits
    finally:
        await connection.close()


async def recovered(store: PostgresStore) -> int:
    """The head's position as soon as the same handle reaches its database again."""
    while True:
        with contextlib.suppress(StoreUnavailable):
            return (await store.head()).position
        await asyncio.sleep(0.05)  # nothing tells when a server is back


async def outage(doing: Awaitable[object]) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as found:
        await asyncio.wait_for(doing, BOUND)
    return found.value


async def killed_meanwhile(
    server: PostgresServer, store: PostgresStore, holder: PostgresStore
) -> tuple[StoreUnavailable, StoreUnavailable]:
    """The outages of an append that waits, and of the transaction that it waits for."""
    async with holder.exclusive() as transaction:
        under_way = asyncio.create_task(store.append(placed(OTHER)))
        await asyncio.wait_for(appends_waiting(server.url), BOUND)
        server.kill()
        of_append = await outage(under_way)
        return of_append, await outage(transaction.append(placed(OTHER)))


async def test_a_server_killed_during_an_append_leaves_it_unknown_and_is_found_again(
    server: PostgresServer,
) -> None:
    store, holder = PostgresStore(server.url), PostgresStore(server.url)
    await store.open()
    await holder.open()
    await store.append(placed(ORDER))
    lease = store.lease()
    await lease.acquire()

    of_append, of_holder = await killed_meanwhile(server, store, holder)

    assert of_append.unknown
    assert not of_holder.unknown  # its commit had not begun
    assert not (await outage(store.head())).unknown
    await asyncio.wait_for(lease.lost(), BOUND)
    await server.start()
    assert await asyncio.wait_for(recovered(store), BOUND) == 1
    assert (await store.append(placed(OTHER))).position == 2
    await asyncio.wait_for(lease.acquire(), BOUND)
    await lease.release()
    await store.close()
    await holder.close()


async def test_a_session_that_is_ended_during_an_append_leaves_it_unknown(
    stores_database: str,
) -> None:
    store = PostgresStore(stores_database, schema="ended")
    await store.open()
    async with store.exclusive():
        under_way = asyncio.create_task(store.append(placed(ORDER)))
        await asyncio.wait_for(appends_waiting(stores_database), BOUND)
        connection = await asyncpg.connect(stores_database)
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where wait_event_type = 'Lock' and query like '%append(%'"
        )
        await connection.close()
        of_append = await outage(under_way)

    assert of_append.unknown
    assert (await store.append(placed(ORDER))).position == 1
    await store.close()


async def test_a_process_that_stands_still_inside_a_transaction_holds_nobody_up(
    stores_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "idle_in_transaction_session_timeout", "200ms")
    paused = PostgresStore(stores_database, schema="paused")
    rival = PostgresStore(stores_database, schema="paused")
    await paused.open()
    await rival.open()

    async with paused.exclusive() as transaction:
        head = await asyncio.wait_for(rival.append(placed(ORDER)), BOUND)
        late = await outage(transaction.append(placed(ORDER)))

    assert head.position == 1
    assert not late.unknown
    assert (await paused.append(placed(ORDER, 1))).position == 2
    await paused.close()
    await rival.close()


# The store in memory has outages when a test asks for them.


async def test_a_database_that_is_closed_for_a_while_is_an_outage(server: PostgresServer) -> None:
    store = PostgresStore(await server.database("shop"))
    await store.open()
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute("alter database shop allow_connections false")
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'shop'"
        )
        await outage(store.append(placed(ORDER)))
        for doing in (store.append(placed(ORDER)), store.write(placed(ORDER)), store.head()):
            assert "closed for connections" in str(await outage(doing))
        assert "closed for connections" in str(await outage(store.recall([ORDER], {}, 10)))
        await connection.execute("alter database shop allow_connections true")
        assert await recovered(store) == 0
    finally:
        await connection.close()
        await store.close()


async def test_the_store_in_memory_can_break_before_and_after_a_commit() -> None:
    store = MemoryStore()
    store.disk.fail_next("before", "after", "unreachable")

    outcomes = []
    for position in (0, 1, 1):
        outcomes.append((await outage(store.append(placed(ORDER)))).unknown)
        assert (await store.head()).position == position

    assert outcomes == [True, True, False]
    assert (await store.append(placed(ORDER, 1))).position == 2


async def test_the_store_in_memory_can_be_away_for_a_while_and_loses_its_leader() -> None:
    disk = MemoryDisk()
    store = MemoryStore(shared=disk)
    lease = store.lease()
    await lease.acquire()

    disk.unavailable = True

    await lease.lost()
    await outage(store.head())
    leading_again = asyncio.create_task(lease.acquire())
    disk.unavailable = False
    await asyncio.wait_for(leading_again, BOUND)
    assert (await store.head()).position == 0
