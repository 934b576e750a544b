"""What has been appended can be read by aggregate, by position and by id."""

from __future__ import annotations

from bus.envelope import Key
from bus.store.port import Append, Store
from tests.contract.store.building import ORDER, OTHER, event, placed


async def test_load_gives_each_aggregates_events_in_order_and_every_key(store: Store) -> None:
    await store.append(placed(ORDER, 0, 3))
    await store.append(placed(OTHER, 0, 1))
    await store.append(placed(ORDER, 3, 2))

    found = await store.load([OTHER, Key("order", "none"), ORDER, ORDER])

    assert {key: [e.version for e in events] for key, events in found.items()} == {
        ORDER: [1, 2, 3, 4, 5],
        OTHER: [1],
        Key("order", "none"): [],
    }
    assert [e.position for e in found[ORDER]] == [1, 2, 3, 5, 6]


async def test_load_tells_aggregates_with_one_id_apart(store: Store) -> None:
    payment = Key("payment", "o-1")
    await store.append(Append(events=[event(ORDER), event(payment)]))

    found = await store.load([payment])

    assert [e.key for e in found[payment]] == [payment]


async def test_an_event_comes_back_as_it_went(store: Store) -> None:
    sent = event(ORDER, 1, b'{"data": 1}')

    await store.append(Append(expected={ORDER: 0}, events=[sent]))

    (found,) = await store.read(0, 1)
    assert found == (1, *sent)
    assert isinstance(found.key, Key)
    assert isinstance(found.body, bytes)


async def test_versions_are_zero_where_there_are_no_events(store: Store) -> None:
    await store.append(placed(ORDER, 0, 3))

    assert await store.versions([OTHER, ORDER]) == {OTHER: 0, ORDER: 3}
    assert await store.versions([]) == {}


async def test_read_goes_on_behind_a_position_up_to_a_limit(store: Store) -> None:
    await store.append(placed(ORDER, 0, 10))

    assert [e.position for e in await store.read(3, 4)] == [4, 5, 6, 7]
    assert [e.position for e in await store.read(8, 100)] == [9, 10]
    assert await store.read(10, 100) == []


async def test_history_is_all_that_happened_to_an_id_in_order(store: Store) -> None:
    payment = Key("payment", "o-1")
    for n in range(3):
        await store.append(Append(events=[event(ORDER, n + 1), event(OTHER, n + 1)]))
        await store.append(Append(events=[event(payment, n + 1)]))

    told = [(e.position, e.key.aggregate) for e in await store.history("o-1", 0, 100)]

    assert told == [
        (1, "order"), (3, "payment"), (4, "order"), (6, "payment"), (7, "order"), (9, "payment")
    ]  # fmt: skip
    assert [e.position for e in await store.history("o-1", 3, 2)] == [4, 6]
    assert await store.history("o-9", 0, 10) == []
