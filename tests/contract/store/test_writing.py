"""A write that others may build on at once, and that nobody is told of before it is safe."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from bus.embedded import PostgresServer
from bus.store.memory import MemoryStore
from bus.store.outages import OUTAGES
from bus.store.port import Append, Conflict, Store, StoreUnavailable
from bus.store.postgres import PostgresStore
from tests.contract.store.building import ORDER, OTHER, Another, placed

BOUND = 60.0
"""Seconds within which a restarted server must be found again."""


async def test_what_is_written_is_seen_by_everybody_and_can_be_built_on(another: Another) -> None:
    one, other = await another(), await another()

    first = await one.write(placed(ORDER))
    second = await other.write(placed(ORDER, 1))
    await asyncio.gather(first.safe(), second.safe())

    assert (first.head.position, second.head.position) == (1, 2)
    assert second.head == await one.head()


async def test_a_write_that_loses_a_race_writes_nothing(store: Store) -> None:
    await (await store.write(placed(ORDER))).safe()

    with pytest.raises(Conflict) as conflict:
        await store.write(placed(ORDER))

    assert conflict.value.keys == (ORDER,)
    assert (await store.head()).position == 1


async def test_writes_may_become_safe_in_any_number_at_once(store: Store) -> None:
    landed = [await store.write(placed(ORDER, version)) for version in range(20)]

    await asyncio.gather(*(one.safe() for one in reversed(landed)))

    assert (await store.head()).position == 20


async def test_a_write_without_events_is_a_check_and_becomes_safe(store: Store) -> None:
    await store.write(placed(ORDER))
    landed = await store.write(Append(expected={ORDER: 1, OTHER: 0}))

    await landed.safe()

    assert landed.head.position == 1


# What a crash takes back.


async def test_the_store_in_memory_forgets_in_a_crash_what_was_not_safe() -> None:
    store = MemoryStore()
    store.disk.crash.fragile = True
    await (await store.write(placed(ORDER))).safe()
    lost = [await store.write(placed(OTHER)), await store.write(placed(ORDER, 1))]

    store.disk.crash.happen()

    for one in lost:
        with pytest.raises(StoreUnavailable) as outage:
            await one.safe()
        assert outage.value.unknown
    assert await store.versions([ORDER, OTHER]) == {ORDER: 1, OTHER: 0}


async def test_what_was_read_outlives_a_crash_in_memory() -> None:
    store = MemoryStore()
    store.disk.crash.fragile = True
    await store.write(placed(ORDER))
    (read,) = await store.read(0, 10)

    store.disk.crash.happen()

    assert await store.read(0, 10) == [read]


@pytest.fixture
async def server() -> AsyncIterator[PostgresServer]:
    """What nobody waits for stays in its memory."""
    folder = Path(tempfile.mkdtemp(prefix="trueup-"))
    server = PostgresServer(folder / "postgres")
    await server.start()
    connection = await asyncpg.connect(server.url)
    await connection.execute("alter system set wal_writer_delay = '10s'")
    await connection.execute("select pg_reload_conf()")
    await connection.close()
    yield server
    await server.stop()
    await asyncio.to_thread(shutil.rmtree, folder)


@contextlib.asynccontextmanager
async def held_up(server: PostgresServer) -> AsyncIterator[None]:
    """Writes land, and stop before they wait for the disk."""
    connection = await asyncpg.connect(server.url)
    definition = await connection.fetchval(
        "select pg_get_functiondef(oid) from pg_proc where proname = 'append_at_once'"
    )
    waits = "perform reach_disk()"
    assert waits in definition
    await connection.execute(
        definition.replace(waits, f"perform pg_advisory_xact_lock(1);\n    {waits}")
    )
    await connection.execute("select pg_advisory_lock(1)")
    yield
    with contextlib.suppress(*OUTAGES):
        await connection.close(timeout=1)


async def crashed(server: PostgresServer, store: PostgresStore) -> None:
    """Returns when the handle reaches the server again."""
    server.kill()
    await server.start()
    async with asyncio.timeout(BOUND):
        while True:
            with contextlib.suppress(StoreUnavailable):
                await store.head()
                return
            await asyncio.sleep(0.05)  # nothing tells when a server is back


async def test_no_write_counts_as_safe_when_its_server_crashed_before(
    server: PostgresServer,
) -> None:
    store = PostgresStore(server.url)
    await store.open()
    await (await store.write(placed(ORDER))).safe()
    async with held_up(server):
        lost = await store.write(placed(OTHER))

        await crashed(server, store)

    with pytest.raises(StoreUnavailable) as outage:
        await lost.safe()
    assert outage.value.unknown
    assert await store.versions([ORDER, OTHER]) == {ORDER: 1, OTHER: 0}
    again = await store.write(placed(OTHER))
    await again.safe()
    assert again.head.position == 2
    await store.close()


async def test_what_was_read_outlives_a_crash(server: PostgresServer) -> None:
    store = PostgresStore(server.url)
    await store.open()
    async with held_up(server):
        await store.write(placed(ORDER))
        (read,) = await store.read(0, 10)

        await crashed(server, store)

    assert await store.read(0, 10) == [read]
    await store.close()
