"""Snapshots are kept beside the events and come back with what has happened since."""

from __future__ import annotations

import asyncio

import pytest

from bus.envelope import Key
from bus.store.port import NOTHING, Past, Snapshot, Store, StoredEvent
from tests.contract.store.building import ORDER, OTHER, Another, placed

SHAPES = {"order": "1-abc"}


def snapshot(of: StoredEvent, shape: str = "1-abc", body: bytes = b'{"n": "\\u0000"}') -> Snapshot:
    return Snapshot(of.key, of.version, of.event_id, shape, body, b"\x00\x1e" * 16)


def versions(past: Past) -> list[int]:
    return [event.version for event in past.events]


async def written(store: Store, key: Key, count: int) -> list[StoredEvent]:
    await store.append(placed(key, count=count))
    return list((await store.load([key]))[key])


async def test_without_a_snapshot_the_past_is_the_history(store: Store) -> None:
    events = await written(store, ORDER, 3)

    found = await store.recall([ORDER, OTHER], SHAPES, 10)

    assert found == {ORDER: Past(None, events), OTHER: NOTHING}


async def test_a_snapshot_comes_with_its_own_event_and_those_behind_it(store: Store) -> None:
    events = await written(store, ORDER, 5)
    kept = snapshot(events[2])
    await store.keep_snapshots([kept])

    found = await store.recall([ORDER], SHAPES, 10)

    assert found[ORDER] == Past(kept, events[2:])


async def test_no_more_events_come_than_are_asked_for(store: Store) -> None:
    events = await written(store, ORDER, 9)
    await written(store, OTHER, 9)
    await store.keep_snapshots([snapshot(events[4])])

    found = await store.recall([ORDER, OTHER], SHAPES, 3)

    assert versions(found[ORDER]) == [5, 6, 7]
    assert versions(found[OTHER]) == [1, 2, 3]


@pytest.mark.parametrize("shapes", [{}, {"order": "2-abc"}, {"bill": "1-abc"}])
async def test_a_snapshot_of_another_shape_is_not_seen(
    store: Store, shapes: dict[str, str]
) -> None:
    events = await written(store, ORDER, 3)
    await store.keep_snapshots([snapshot(events[1])])

    assert (await store.recall([ORDER], shapes, 10))[ORDER] == Past(None, events)


async def test_a_snapshot_without_its_event_still_shows(store: Store) -> None:
    """As in a store that was set back; whoever asks must see that the two don't fit."""
    events = await written(store, ORDER, 3)
    ahead = snapshot(events[2])._replace(version=7)
    await store.keep_snapshots([ahead])

    assert (await store.recall([ORDER], SHAPES, 10))[ORDER] == Past(ahead, [])


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (("1-abc", 2), ("1-abc", 3), ("1-abc", 3)),
        (("1-abc", 3), ("1-abc", 2), ("1-abc", 3)),
        (("1-abc", 3), ("2-abc", 2), ("2-abc", 2)),
    ],
)
async def test_a_newer_one_and_one_of_another_shape_take_the_place(
    store: Store, first: tuple[str, int], second: tuple[str, int], kept: tuple[str, int]
) -> None:
    events = await written(store, ORDER, 3)
    for shape, version in (first, second):
        await store.keep_snapshots([snapshot(events[version - 1], shape)])

    found = (await store.recall([ORDER], {"order": kept[0]}, 10))[ORDER].snapshot

    assert found is not None
    assert (found.shape, found.version) == kept


async def test_an_unreadable_one_is_replaced_at_the_same_version(store: Store) -> None:
    events = await written(store, ORDER, 3)
    await store.keep_snapshots([snapshot(events[1], body=b"1")])
    await store.keep_snapshots([again := snapshot(events[1], body=b"2")])

    assert (await store.recall([ORDER], SHAPES, 10))[ORDER].snapshot == again


async def test_a_forgotten_snapshot_has_gone(store: Store) -> None:
    events = await written(store, ORDER, 2)
    others = await written(store, OTHER, 2)
    await store.keep_snapshots([snapshot(events[1]), snapshot(others[1])])

    await store.forget_snapshot(ORDER)

    found = await store.recall([ORDER, OTHER], SHAPES, 10)
    assert found[ORDER].snapshot is None
    assert found[OTHER].snapshot is not None


async def test_keeping_waits_for_nobody_who_holds_the_head(store: Store, another: Another) -> None:
    events = await written(store, ORDER, 2)
    holder = await another()

    async with holder.exclusive():
        async with asyncio.timeout(10):
            await store.keep_snapshots([snapshot(events[1])])
            found = await store.recall([ORDER], SHAPES, 10)

    assert found[ORDER].snapshot is not None


async def test_a_transaction_recalls_and_reads_on(store: Store) -> None:
    events = await written(store, ORDER, 5)
    await store.keep_snapshots([kept := snapshot(events[2])])

    async with store.exclusive() as transaction:
        found = await transaction.recall([ORDER], SHAPES, 1)
        rest = await transaction.sequence(ORDER, after=3, limit=1)

    assert found[ORDER] == Past(kept, events[2:3])
    assert list(rest) == events[3:4]


async def test_a_sequence_is_cut_where_it_is_asked_to_be(store: Store) -> None:
    events = await written(store, ORDER, 6)

    assert list(await store.sequence(ORDER)) == events
    assert list(await store.sequence(ORDER, after=1, upto=4, limit=2)) == events[1:3]
    assert list(await store.sequence(ORDER, upto=4, limit=2, descending=True)) == [
        events[3],
        events[2],
    ]
