"""An append writes all of it in commit order, or nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
from hashlib import sha256

import pytest

from bus.envelope import Key
from bus.store.port import (
    START,
    Append,
    Checkpoint,
    Conflict,
    Fired,
    Head,
    Moved,
    Parked,
    ReactionRefused,
    Store,
)
from tests.contract.store.building import (
    NOON,
    ORDER,
    OTHER,
    Another,
    duty,
    event,
    placed,
    receipt,
)


async def test_an_empty_store_is_at_position_zero_with_a_digest_of_zeros(store: Store) -> None:
    assert await store.head() == Head(0, bytes(32))


async def test_positions_have_no_gap_and_no_double_whoever_writes(another: Another) -> None:
    handles = [await another() for _ in range(3)]

    async def write(number: int) -> list[int]:
        count = 1 + number % 4
        head = await handles[number % 3].append(placed(Key("order", f"o-{number}"), 0, count))
        return list(range(head.position - count + 1, head.position + 1))

    written = await asyncio.gather(*(write(number) for number in range(60)))

    assert sorted(itertools.chain(*written)) == list(range(1, 151))
    assert [e.position for e in await handles[0].read(0, 1000)] == list(range(1, 151))
    assert (await handles[1].head()).position == 150


async def test_the_events_of_one_append_stand_together_in_their_order(another: Another) -> None:
    handles = [await another(), await another()]
    keys = [Key("order", f"o-{number}") for number in range(10)]

    await asyncio.gather(*(handles[n % 2].append(placed(k, 0, 5)) for n, k in enumerate(keys)))

    stored = await handles[0].read(0, 100)
    runs = [stored[start : start + 5] for start in range(0, 50, 5)]
    assert all(len({e.key for e in run}) == 1 for run in runs)
    assert all([e.version for e in run] == [1, 2, 3, 4, 5] for run in runs)


async def test_of_two_writers_on_one_version_one_wins(another: Another) -> None:
    handles = [await another() for _ in range(4)]

    outcomes = await asyncio.gather(
        *(handle.append(placed(ORDER)) for handle in handles), return_exceptions=True
    )

    assert [isinstance(o, Conflict) for o in outcomes].count(True) == 3
    assert await handles[0].versions([ORDER]) == {ORDER: 1}


async def test_a_conflict_names_the_aggregates_at_another_version_and_only_them(
    store: Store,
) -> None:
    await store.append(placed(ORDER))
    await store.append(placed(OTHER))

    with pytest.raises(Conflict) as conflict:
        await store.append(Append(expected={ORDER: 0, OTHER: 1, Key("order", "new"): 0}))

    assert conflict.value.keys == (ORDER,)
    assert isinstance(conflict.value.keys[0], Key)


async def test_a_conflict_names_what_was_to_begin_and_is_there_already(store: Store) -> None:
    await store.append(placed(ORDER))

    both = Append(expected={OTHER: 0, ORDER: 0}, events=[event(OTHER, 1), event(ORDER, 1)])
    with pytest.raises(Conflict) as conflict:
        await store.append(both)

    assert conflict.value.keys == (ORDER,)
    assert await store.versions([OTHER]) == {OTHER: 0}


async def test_an_append_without_events_still_checks_what_was_read(store: Store) -> None:
    head = await store.append(placed(ORDER))

    assert await store.append(Append(expected={ORDER: 1, OTHER: 0})) == head
    with pytest.raises(Conflict):
        await store.append(Append(expected={OTHER: 1}))


async def test_a_version_is_never_written_twice_whatever_is_expected(store: Store) -> None:
    await store.append(placed(ORDER))

    for events_of_one in ([event(ORDER, 1)], [event(ORDER, 2), event(ORDER, 2)]):
        with pytest.raises(Conflict) as conflict:
            await store.append(Append(events=events_of_one))
        assert conflict.value.keys == (ORDER,)
    assert len(await store.read(0, 10)) == 1


def everything(upstream: str = "catalog", expected: int = 0) -> Append:
    return Append(
        expected={ORDER: expected},
        events=[event(ORDER, expected + 1)],
        receipts=[receipt("c-1", 1)],
        moved=[Moved(upstream, START, Checkpoint(5, "e-5"))],
        duties=[duty("expire")],
        parked=[Parked("ordering", "product/p-1", 5, b"?", "RuntimeError")],
        refusals=[ReactionRefused(upstream, 5, "ReserveStock", "o-1", "OutOfStock", "none left")],
    )


async def test_an_append_writes_all_of_its_kinds_together(store: Store) -> None:
    await store.append(everything())

    assert len(await store.read(0, 10)) == 1
    assert set(await store.receipts(["c-1"])) == {"c-1"}
    assert await store.checkpoint("catalog") == Checkpoint(5, "e-5")
    assert [row.name for row in await store.due(NOON, 10)] == ["expire"]
    assert [row.key for row in await store.parked()] == ["product/p-1"]


async def test_a_conflict_leaves_no_trace_of_any_kind(store: Store) -> None:
    with pytest.raises(Conflict):
        await store.append(everything(expected=7))

    assert await store.head() == Head(0, bytes(32))
    assert await store.read(0, 10) == []
    assert await store.receipts(["c-1"]) == {}
    assert await store.checkpoint("catalog") == START
    assert await store.next_due() is None
    assert await store.parked() == []


async def test_a_conflict_says_all_that_conflicts_at_once(store: Store) -> None:
    await store.append(everything())

    with pytest.raises(Conflict) as conflict:
        await store.append(
            Append(
                expected={ORDER: 0},
                receipts=[receipt("c-1"), receipt("c-2")],
                moved=[Moved("catalog", START, Checkpoint(6, "e-6"))],
                fired=[Fired("expire", "e-1"), Fired("gone", "e-1")],
                unparked=[("ordering", "product/p-9", 5)],
            )
        )

    found = conflict.value
    assert (found.keys, found.receipts, found.upstreams) == ((ORDER,), ("c-1",), ("catalog",))
    assert (found.fired, found.unparked) == (
        (Fired("gone", "e-1"),),
        (("ordering", "product/p-9", 5),),
    )


BODIES = [
    '{"b":1,"a":2,"a":3}',
    '{ "spaces" :\t[ 1 , 2 ] }',
    '{"text":"Größe 東京 🐈 \u2028"}',
    '{"nul":"\\u0000","lone":"\\ud800","slash":"\\/"}',
    '{"integer":123456789012345678901234567890,"float":1.10,"exponent":1E400}',
    '"' + "x" * 300_000 + '"',
]


async def test_a_body_comes_back_to_the_byte(store: Store) -> None:
    await store.append(
        Append(events=[event(ORDER, n + 1, b.encode()) for n, b in enumerate(BODIES)])
    )

    assert [e.body.decode() for e in await store.read(0, 10)] == BODIES
    assert [e.body.decode() for e in (await store.load([ORDER]))[ORDER]] == BODIES
    assert [e.body.decode() for e in await store.history("o-1", 0, 10)] == BODIES


async def test_the_digest_is_a_chain_over_all_bodies(store: Store) -> None:
    await store.append(Append(events=[event(ORDER, 1, body.encode()) for body in BODIES[:1]]))
    head = await store.append(
        Append(events=[event(ORDER, n + 2, b.encode()) for n, b in enumerate(BODIES)])
    )

    digest = bytes(32)
    for stored in await store.read(0, 10):
        digest = sha256(digest + stored.body).digest()
    assert head == await store.head() == Head(7, digest)


async def test_a_large_batch_is_one_append(store: Store) -> None:
    body = json.dumps({"data": "x" * 500}).encode()
    batch = [event(Key("order", f"o-{n}"), 1, body) for n in range(2000)]

    head = await store.append(Append(expected={e.key: 0 for e in batch}, events=batch))

    assert head.position == 2000
    assert [e.event_id for e in await store.read(0, 2000)] == [e.event_id for e in batch]
