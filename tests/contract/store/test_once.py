"""Receipts, duties, upstream moves and parked events: each takes effect once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bus.store.port import (
    START,
    Append,
    Checkpoint,
    Conflict,
    Fired,
    Moved,
    Parked,
    Store,
    StoredReceipt,
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

# Receipts


async def test_a_receipts_position_is_the_head_before_plus_its_last_event(store: Store) -> None:
    await store.append(placed(ORDER, 0, 5))

    await store.append(
        Append(
            events=[event(OTHER, 1), event(OTHER, 2), event(OTHER, 3)],
            receipts=[receipt("c-1", 0), receipt("c-2", 2), receipt("c-3", 3)],
        )
    )

    found = await store.receipts(["c-1", "c-2", "c-3", "c-4"])
    assert {id: kept.position for id, kept in found.items()} == {"c-1": 5, "c-2": 7, "c-3": 8}
    assert found["c-1"] == StoredReceipt(receipt("c-1").digest, receipt("c-1").answer, 5)


async def test_of_one_command_in_two_processes_one_is_written(another: Another) -> None:
    handles = [await another() for _ in range(3)]

    outcomes = await asyncio.gather(
        *(
            handle.append(Append(events=[event(key)], receipts=[receipt("c-1", 1)]))
            for handle, key in zip(handles, (ORDER, OTHER, OTHER), strict=True)
        ),
        return_exceptions=True,
    )

    lost = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert [conflict.receipts for conflict in lost] == [("c-1",), ("c-1",)]
    assert (await handles[0].head()).position == 1


async def test_a_receipt_without_events_is_kept(store: Store) -> None:
    await store.append(Append(expected={ORDER: 0}, receipts=[receipt("c-1")]))

    assert (await store.receipts(["c-1"]))["c-1"].position == 0
    with pytest.raises(Conflict):
        await store.append(Append(receipts=[receipt("c-1")]))


async def test_one_command_id_twice_in_an_append_conflicts(store: Store) -> None:
    with pytest.raises(Conflict) as conflict:
        await store.append(Append(receipts=[receipt("c-1"), receipt("c-1")]))

    assert "c-1" in conflict.value.receipts
    assert await store.receipts(["c-1"]) == {}


# Duties


async def test_duties_come_due_the_earliest_first(store: Store) -> None:
    await store.append(Append(duties=[duty("c", 2), duty("a", 3), duty("b", 1), duty("d", 9)]))

    assert await store.next_due() == NOON + timedelta(minutes=1)
    due = await store.due(NOON + timedelta(minutes=3), 10)
    assert [row.name for row in due] == ["b", "c", "a"]
    assert due[0] == duty("b", 1)
    assert [row.name for row in await store.due(NOON + timedelta(minutes=3), 2)] == ["b", "c"]


async def test_a_later_duty_of_the_same_name_takes_the_place_of_the_first(store: Store) -> None:
    await store.append(Append(duties=[duty("expire", 1)]))

    await store.append(Append(duties=[duty("expire", 5, "e-2")]))

    assert await store.due(NOON + timedelta(hours=1), 10) == [duty("expire", 5, "e-2")]


async def test_of_two_duties_of_one_name_in_an_append_the_later_stands(store: Store) -> None:
    await store.append(Append(duties=[duty("expire", 1), duty("other", 2), duty("expire", 3)]))

    assert await store.due(NOON + timedelta(hours=1), 10) == [duty("other", 2), duty("expire", 3)]


async def test_a_duty_is_fired_once_whoever_fires_it(another: Another) -> None:
    handles = [await another(), await another()]
    await handles[0].append(Append(duties=[duty("expire")]))

    outcomes = await asyncio.gather(
        *(
            handle.append(Append(events=[event(key)], fired=[Fired("expire", "e-1")]))
            for handle, key in zip(handles, (ORDER, OTHER), strict=True)
        ),
        return_exceptions=True,
    )

    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert lost.fired == (Fired("expire", "e-1"),)
    assert (await handles[0].head()).position == 1
    assert await handles[0].next_due() is None


async def test_settling_a_duty_is_harmless_when_it_has_gone(store: Store) -> None:
    await store.append(Append(duties=[duty("expire"), duty("charge")]))

    await store.append(Append(settled=["expire", "never"]))
    await store.append(Append(settled=["expire"]))

    assert [row.name for row in await store.due(NOON, 10)] == ["charge"]


async def test_a_fired_duty_can_start_itself_again(store: Store) -> None:
    await store.append(Append(duties=[duty("remind")]))

    await store.append(Append(fired=[Fired("remind", "e-1")], duties=[duty("remind", 7, "e-2")]))

    assert await store.next_due() == NOON + timedelta(minutes=7)


async def test_a_duty_that_has_taken_anothers_place_is_not_ended_with_it(store: Store) -> None:
    await store.append(Append(duties=[duty("remind", 0, "e-1")]))
    await store.append(Append(duties=[duty("remind", 7, "e-2")]))

    with pytest.raises(Conflict) as conflict:
        await store.append(Append(events=[event()], fired=[Fired("remind", "e-1")]))

    assert conflict.value.fired == (Fired("remind", "e-1"),)
    assert await store.next_due() == NOON + timedelta(minutes=7)


async def test_postponing_moves_a_duty_only_if_it_is_still_the_same(store: Store) -> None:
    await store.append(Append(duties=[duty("charge", 0, "e-1")]))

    await store.postpone("charge", "e-0", NOON + timedelta(minutes=1))
    assert await store.next_due() == NOON
    await store.postpone("charge", "e-1", NOON + timedelta(minutes=2))
    assert await store.next_due() == NOON + timedelta(minutes=2)


async def test_a_duty_body_comes_back_to_the_byte(store: Store) -> None:
    body = '{ "note":"\\u0000 Größe", "n":1.10 }'.encode()

    await store.append(Append(duties=[duty("call")._replace(body=body)]))

    assert [row.body for row in await store.due(NOON, 1)] == [body]


# Upstreams


async def test_a_place_in_an_upstream_moves_with_what_was_made_of_it(store: Store) -> None:
    assert await store.checkpoint("catalog") == START

    await store.append(Append(moved=[Moved("catalog", START, Checkpoint(3, "e-3"))]))
    await store.append(Append(moved=[Moved("catalog", Checkpoint(3, "e-3"), Checkpoint(9, "e-9"))]))

    assert await store.checkpoint("catalog") == Checkpoint(9, "e-9")
    assert await store.checkpoint("payments") == START


@pytest.mark.parametrize("before", [START, Checkpoint(3, "another"), Checkpoint(4, "e-3")])
async def test_a_move_from_elsewhere_conflicts(store: Store, before: Checkpoint) -> None:
    await store.append(Append(moved=[Moved("catalog", START, Checkpoint(3, "e-3"))]))

    with pytest.raises(Conflict) as conflict:
        await store.append(
            Append(events=[event()], moved=[Moved("catalog", before, Checkpoint(5, "e-5"))])
        )

    assert conflict.value.upstreams == ("catalog",)
    assert (await store.head()).position == 0
    assert await store.checkpoint("catalog") == Checkpoint(3, "e-3")


# Parked events


def parked(reader: str, key: str, position: int, body: bytes = b"{}") -> Parked:
    return Parked(reader, key, position, body, "ValueError: no")


async def test_parked_events_are_listed_by_reader_key_and_position(store: Store) -> None:
    rows = [("b", "k", 1), ("a", "z", 2), ("a", "k", 10), ("a", "k", 9), ("a", "k", 100)]

    await store.append(Append(parked=[parked(*row) for row in rows]))

    assert [row[:3] for row in await store.parked()] == sorted(rows)
    assert [row[:3] for row in await store.parked("b")] == [("b", "k", 1)]
    assert await store.parked("c") == []


async def test_a_parked_event_keeps_its_bytes_and_counts_its_attempts(store: Store) -> None:
    await store.append(Append(parked=[parked("a", "k", 1, b"\x00\xff not JSON")]))
    (first,) = await store.parked()

    await store.parked_again("a", "k", 1, "KeyError: 'still'")

    (again,) = await store.parked()
    assert (first.body, first.reason, first.attempts) == (b"\x00\xff not JSON", "ValueError: no", 1)
    assert again == first._replace(attempts=2, reason="KeyError: 'still'")


async def test_a_reason_with_characters_that_no_database_holds_is_kept_readable(
    store: Store,
) -> None:
    reason = "bad \x00 and \x1e and \ud800"

    await store.append(Append(parked=[Parked("a", "k", 1, b"{}", reason)]))
    await store.parked_again("a", "k", 1, reason)

    (row,) = await store.parked()
    assert row.reason == "bad \ufffd and \ufffd and ?"


async def test_a_parked_event_is_taken_on_once(another: Another) -> None:
    handles = [await another(), await another()]
    await handles[0].append(Append(parked=[parked("a", "k", 1), parked("a", "k", 2)]))

    outcomes = await asyncio.gather(
        *(
            handle.append(Append(events=[event(key)], unparked=[("a", "k", 1)]))
            for handle, key in zip(handles, (ORDER, OTHER), strict=True)
        ),
        return_exceptions=True,
    )

    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert lost.unparked == (("a", "k", 1),)
    assert [row.position for row in await handles[0].parked()] == [2]
    assert (await handles[0].head()).position == 1
