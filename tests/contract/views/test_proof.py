"""What is altered behind the runtime's back is found, put right from the events, and booked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from bus.clock import SystemClock
from bus.views.build import Aim
from bus.views.kept import FORMAT
from bus.views.mending import Mending
from bus.views.port import Altered, Change, RowChange, ViewStore
from bus.views.verifier import Verifier
from tests.contract.views.sample import BILLS, Renamed
from tests.contract.views.scene import Scene, written
from tests.contract.views.tampering import HEADS, ROW, ROWS, all_held, tamper
from tests.contract.views.test_view_store import shown, write

BACKENDS = ("memory", "postgres", "redis")
ROW_KINDS = [pytest.param(b, kind, id=f"{b}-{kind}") for b in BACKENDS for kind in ROWS[b]]
HEAD_KINDS = [pytest.param(b, kind, id=f"{b}-{kind}") for b in BACKENDS for kind in HEADS[b]]


@asynccontextmanager
async def opened(scene: Scene, aim: Aim = Aim.ASKED) -> AsyncIterator[ViewStore]:
    store = await scene.store(aim=aim)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def some_debts(scene: Scene) -> None:
    for n in range(3):
        await scene.bill(*((f"b-{k}", "ann", n + k) for k in range(8)))
        await scene.pay(*((f"b-{k}", n) for k in range(n)))
    await scene.at_rest()


async def walk(scene: Scene, store: ViewStore) -> None:
    """All rows, once, with nobody else at it."""
    mending = Mending(store, scene.broker, scene.ground.clock)
    verifier = Verifier(store, mending, Quick())
    await verifier.walk()


class Quick(SystemClock):
    """Nobody is to be waited for."""

    async def sleep(self, seconds: float) -> None:
        pass


async def forge(store: ViewStore, key: str = "b-3") -> None:
    """Writes a wrong row as if it were right, seals and all."""
    state = await store.state()
    slot = '{"id":"b-3","who":"eve","billed":1,"note":""}'
    new = RowChange(key, {"bills": slot}, ROW.replace("b-1", key), ("eve", 1, ""))
    await store.write(Change(state.stamp, f"{state.stamp}-forged", {}, [new]))


@pytest.mark.parametrize(("backend", "kind"), ROW_KINDS)
async def test_whatever_is_done_to_a_row_is_found_and_undone(scene: Scene, kind: str) -> None:
    worker = await scene.worker()
    await some_debts(scene)
    await scene.stop(worker)
    async with opened(scene) as store:
        before = await all_held(store)
        await tamper(store, kind)
        await walk(scene, store)
        assert await all_held(store) == before
        assert await store.intact()
        repairs = await store.repairs()
        assert {one.key for one in repairs} <= {"b-1", "b-x"}
        assert repairs


@pytest.mark.parametrize(("backend", "kind"), ROW_KINDS)
async def test_the_process_of_a_view_undoes_it_by_itself(scene: Scene, kind: str) -> None:
    await scene.worker()
    await some_debts(scene)
    async with opened(scene) as store:
        before = await all_held(store)
        await tamper(store, kind)

        async def right() -> bool:
            return bool(await store.repairs()) and await all_held(store) == before

        await scene.until(right)


@pytest.mark.parametrize(("backend", "kind"), HEAD_KINDS)
async def test_a_head_that_is_not_what_was_written_is_never_gone_on_with(
    scene: Scene, kind: str
) -> None:
    await scene.worker()
    await some_debts(scene)
    before = await scene.rows()
    async with opened(scene) as store:
        await tamper(store, kind)

    async def right() -> bool:
        answer = await scene.ask("get.b-1")
        if answer["status"] == "unavailable":
            return False
        return bool(answer["positions"] == {d: len(of) for d, of in scene.streams.items()})

    await scene.until(right)
    assert await scene.rows() == before


@pytest.mark.parametrize("kind", ["row", "slot", "column"])
async def test_nothing_is_read_of_or_written_over_an_altered_row(scene: Scene, kind: str) -> None:
    worker = await scene.worker()
    await some_debts(scene)
    await scene.stop(worker)
    async with opened(scene) as store:
        await tamper(store, kind)
        before = await all_held(store)
        with pytest.raises(Altered) as refused:
            await store.load(["b-0", "b-1"])
        assert refused.value.keys == ["b-1"]
        with pytest.raises(Altered) as refused:
            await forge(store, "b-1")
        assert refused.value.keys == ["b-1"]
        assert await all_held(store) == before


@pytest.mark.parametrize("kind", ["slot", "removed"])
async def test_an_event_that_meets_an_altered_slot_is_folded_as_if_nothing_had_been(
    scene: Scene, kind: str
) -> None:
    worker = await scene.worker()
    await some_debts(scene)
    before = await scene.rows()
    await scene.stop(worker)
    async with opened(scene) as store:
        await tamper(store, kind)
        await scene.publish("bills", written(BILLS, "b-1", Renamed(name="joe")))
        await scene.worker()
        await scene.at_rest()
        assert await scene.parked() == []
        _, owed = before["b-1"]

        async def right() -> bool:
            return bool(await scene.rows() == {**before, "b-1": ("joe", owed)})

        await scene.until(right)
        assert {one.key for one in await store.repairs()} == {"b-1"}


async def test_rows_that_were_forged_seals_and_all_are_told_by_a_comparison(scene: Scene) -> None:
    await scene.worker()
    await some_debts(scene)
    async with opened(scene) as store:
        before = await all_held(store)
        await forge(store)
        mending = Mending(store, scene.broker, scene.ground.clock)
        found = await mending.all(repair=False)
        assert (found.compared, list(found.differing), found.repaired) == (8, ["b-3"], ())
        there, right = found.differing["b-3"]
        assert '"eve"' in str(there).replace("\\", "")
        assert '"ann"' in str(right).replace("\\", "")
        found = await mending.all()
        assert [one.key for one in found.repaired] == ["b-3"]
        assert await all_held(store) == before
        assert (await mending.all()).differing == {}
    assert len(await scene.builds()) == 1


async def test_what_was_put_right_is_booked_and_told(scene: Scene) -> None:
    await scene.worker()
    await some_debts(scene)
    async with opened(scene) as store:
        await tamper(store, "row")

        async def booked() -> bool:
            return bool(await store.repairs())

        await scene.until(booked)
    reply = await scene.broker.request("repaired.debts.list")
    (one,) = msgspec.json.decode(reply.body)["repaired"]
    assert (one["view"], one["build"], one["key"]) == ("debts", 1, "b-1")
    assert one["positions"] == {domain: len(of) for domain, of in scene.streams.items()}
    assert "eve" in msgspec.json.encode(one["before"]).decode()
    assert "eve" not in msgspec.json.encode(one["after"]).decode()


async def test_what_waits_parked_is_in_no_row_that_was_put_right(scene: Scene) -> None:
    worker = await scene.worker()
    await scene.bill(("b-1", "ann", 5), ("b-1", "ann", -1), ("b-1", "ann", 2), ("b-2", "bob", 1))
    await scene.at_rest()
    parked = await scene.parked()
    await scene.stop(worker)
    async with opened(scene) as store:
        before = await all_held(store)
        await tamper(store, "row")
        await walk(scene, store)
        assert await all_held(store) == before
        assert len(await store.parked()) == len(parked) == 2


async def test_nothing_is_repaired_where_nothing_is_wrong(scene: Scene) -> None:
    for _ in range(2):
        await scene.worker()
    await some_debts(scene)
    async with opened(scene) as store:
        before = await all_held(store)
        await walk(scene, store)
        found = await Mending(store, scene.broker, scene.ground.clock).all()
        assert (found.compared, found.differing, found.repaired) == (8, {}, [])
        assert await all_held(store) == before
        assert await store.repairs() == []


async def test_a_view_of_before_there_were_seals_is_made_anew(scene: Scene, backend: str) -> None:
    if backend == "memory":
        pytest.skip("what is in memory does not outlive its code")
    worker = await scene.worker()
    await some_debts(scene)
    before = await scene.rows()
    await scene.stop(worker)
    async with opened(scene) as store:
        await without_seals(store)
    await scene.worker()
    await scene.at_rest()
    assert await scene.rows() == before


async def without_seals(store: Any) -> None:
    """Its shape tells of none."""
    (build,) = await store.builds()
    old = build.shape.replace(f'"format":{FORMAT},', "")
    assert old != build.shape
    if hasattr(store, "_redis"):
        text = msgspec.json.encode(build._replace(shape=old))
        await store._redis.hset(store._names.catalogue, str(build.number), text)
    else:
        async with store._connections.asking() as connection:
            await connection.execute("update view_builds set shape = $1", old)


async def test_what_is_altered_while_a_write_is_under_way_is_wiped_out_by_it(scene: Scene) -> None:
    if scene.backend != "postgres":
        pytest.skip("only in Postgres can two write at once")
    async with opened(scene, Aim.SERVE) as store:
        held: Any = store
        await write(store, shown("b-1", "ann", 1))
        async with held._connections.asking() as other:
            altering = other.transaction()
            await altering.start()
            await other.execute(f"update {held._base} set slot_bills = '{{}}' where key = 'b-1'")
            writing = asyncio.create_task(write(store, shown("b-1", "ann", 2)))
            await scene.until(lambda: _waits(held))
            await altering.commit()
        await writing
        assert (await store.walk("")).altered == []
        assert await store.intact()
        assert (await store.load(["b-1"]))["b-1"] == shown("b-1", "ann", 2).slots


@pytest.mark.parametrize(("backend", "kind"), [("redis", "keys"), ("redis", "entry gone")])
async def test_what_is_missing_from_an_index_is_there_again_with_the_next_write(
    scene: Scene, kind: str
) -> None:
    async with opened(scene, Aim.SERVE) as store:
        await write(store, shown("b-1", "ann", 1))
        await tamper(store, kind)
        assert "b-1" in await all_altered(store)
        await write(store, shown("b-1", "bea", 2))
        assert await all_altered(store) == []
        assert await store.intact()


async def all_altered(store: ViewStore) -> list[str]:
    found, cursor = list[str](), ""
    while True:
        page = await store.walk(cursor)
        found += page.altered
        cursor = page.next
        if not cursor:
            return found


async def _waits(store: Any) -> bool:
    """Whether somebody waits for somebody else's row."""
    async with store._connections.asking() as connection:
        return bool(
            await connection.fetchval(
                "select count(*) from pg_stat_activity "
                "where wait_event_type = 'Lock' and datname = current_database()"
            )
        )
