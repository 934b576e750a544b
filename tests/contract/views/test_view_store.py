"""What every store of views promises."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from msgspec import Struct

from bus.clock import uuid7
from bus.store.port import START, Checkpoint, Parked
from bus.view import Page, Scalar, Source, WrongCursor
from bus.views.past import Moved
from bus.views.port import Change, RowChange, Superseded, ViewChanged, ViewMissing, ViewStore
from tests.contract.views.conftest import Stores
from tests.contract.views.sample import DEBTS, MONEY

UNICODE = "naïve ☃ 𝕏 \u2028 'quoted' \\ \" {view}"


def shown(key: str, who: str | None = "ann", owed: int | None = 1, note: str = "") -> RowChange:
    row = {"id": key, "who": who, "owed": owed, "note": note}
    slot = msgspec.json.encode({"who": who or "", "billed": owed or 0}).decode()
    return RowChange(key, {"bills": slot}, msgspec.json.encode(row).decode(), (who, owed, note))


async def write(
    store: ViewStore, *rows: RowChange, domain: str = "bills", **more: object
) -> Change:
    """The next write of `domain`, one position on unless told otherwise."""
    state = await store.state()
    position = state.checkpoints[domain].position + 1
    places = {domain: Checkpoint(position, f"event-{position}")}
    change = replace(Change(state.stamp, uuid7(), places, rows), **more)  # type: ignore[arg-type]
    await store.write(change)
    return change


async def find(store: ViewStore, where: dict[str, Scalar], **more: object) -> Page:
    async with store.snapshot() as snapshot:
        return await snapshot.rows.find(where, **more)  # type: ignore[arg-type]


async def all_pages(store: ViewStore, where: dict[str, Scalar], **more: object) -> Sequence[str]:
    """The ids on all pages of two rows each."""
    found: list[str] = []
    page = await find(store, where, limit=2, **more)
    while page.next is not None:
        assert len(page.rows) == 2
        found += [row["id"] for row in page.rows]
        page = await find(store, where, limit=2, after=page.next, **more)
    return found + [row["id"] for row in page.rows]


async def test_a_new_view_starts_before_the_first_event_of_each_stream(stores: Stores) -> None:
    state = await (await stores(DEBTS)).state()
    assert state.checkpoints == {"bills": START, "money": START}
    assert state.stamp
    assert not state.parked
    assert state.serving


async def test_rows_and_checkpoint_are_written_together(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1", "ann", 7), places={"bills": Checkpoint(12, "event-12")})
    async with store.snapshot() as snapshot:
        row = await snapshot.rows.get("b-1")
        assert row == {"id": "b-1", "who": "ann", "owed": 7, "note": ""}
        assert snapshot.positions == {"bills": 12, "money": 0}
    assert (await store.state()).checkpoints["bills"] == Checkpoint(12, "event-12")


async def test_what_is_read_is_of_one_moment_or_is_known_not_to_be(stores: Stores) -> None:
    store, other = await stores(DEBTS), await stores(DEBTS)
    await write(other, shown("b-1", "ann", 7))
    with suppress(Moved):
        async with store.snapshot() as snapshot:
            await write(other, shown("b-1", "ann", 8))
            row = await snapshot.rows.get("b-1") or {}
        assert row["owed"] == 7


async def test_a_write_that_rests_on_an_older_state_writes_nothing(stores: Stores) -> None:
    store, other = await stores(DEBTS), await stores(DEBTS)
    old = await store.state()
    await write(other, shown("b-1", "ann", 7), domain="money")
    late = Change(
        old.stamp,
        uuid7(),
        {"bills": Checkpoint(5, "e")},
        [shown("b-1", "bob", 1)],
        parked=[Parked("debts/bills", "bill/b-9", 5, b"{}", "why")],
    )
    with pytest.raises(Superseded):
        await store.write(late)
    state = await store.state()
    assert state.checkpoints == {"bills": START, "money": Checkpoint(1, "event-1")}
    assert await store.parked() == []
    async with store.snapshot() as snapshot:
        assert (await snapshot.rows.get("b-1") or {})["who"] == "ann"


async def test_of_writers_at_once_one_wins(stores: Stores) -> None:
    several = [await stores(DEBTS) for _ in range(4)]
    stamp = (await several[0].state()).stamp
    changes = [
        Change(stamp, uuid7(), {"bills": Checkpoint(n, f"e{n}")}, [shown("b-1", f"w{n}", n)])
        for n in range(1, 5)
    ]
    outcomes = await asyncio.gather(
        *(store.write(change) for store, change in zip(several, changes, strict=True)),
        return_exceptions=True,
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Superseded) for outcome in outcomes) == 3
    async with several[0].snapshot() as snapshot:
        row = await snapshot.rows.get("b-1")
        assert row is not None
        assert row["owed"] == snapshot.positions["bills"]


async def test_each_source_writes_its_own_slot(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1", "ann", 7))
    await write(
        store, shown("b-1", "ann", 5)._replace(slots={"money": '{"paid":2}'}), domain="money"
    )
    await write(store, shown("b-2", "bob", 1))
    slots = await store.load(["b-1", "b-2", "b-3"])
    assert {key: set(of) for key, of in slots.items()} == {
        "b-1": {"bills", "money"},
        "b-2": {"bills"},
    }
    assert msgspec.json.decode(slots["b-1"]["bills"]) == {"who": "ann", "billed": 7}
    assert msgspec.json.decode(slots["b-1"]["money"]) == {"paid": 2}


async def test_one_write_moves_several_streams(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1", "ann", 7), shown("b-2", "bob", 1))
    places = {"bills": Checkpoint(9, "event-9"), "money": Checkpoint(4, "event-4")}
    both = shown("b-1", "ann", 5)._replace(slots={"bills": '{"n":1}', "money": '{"paid":2}'})
    await write(store, both, shown("b-3", "eve", 3), places=places)
    assert (await store.state()).checkpoints == places
    slots = await store.load(["b-1", "b-2", "b-3"])
    assert slots["b-1"] == {"bills": '{"n":1}', "money": '{"paid":2}'}
    assert [set(slots[key]) for key in ("b-2", "b-3")] == [{"bills"}, {"bills"}]
    async with store.snapshot() as snapshot:
        assert snapshot.positions == {"bills": 9, "money": 4}


async def test_a_key_without_a_row_keeps_its_slots_and_is_seen_by_nobody(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1"), shown("b-2"))
    await write(store, RowChange("b-1", {"bills": "{}"}, None, (None, None, None)))
    async with store.snapshot() as snapshot:
        assert await snapshot.rows.get("b-1") is None
        assert set(await snapshot.rows.many(["b-1", "b-2", "b-3"])) == {"b-2"}
    assert await all_pages(store, {}) == ["b-2"]
    assert await all_pages(store, {"who": None}) == []
    assert set(await store.load(["b-1"])) == {"b-1"}


async def test_any_text_comes_back_as_it_was(stores: Stores) -> None:
    store = await stores(DEBTS)
    nul = shown("b-1", UNICODE, 2)._replace(
        row='{"id":"b-1","note":"a\\u0000b"}', slots={"bills": '{"x":"\\u0000"}'}
    )
    await write(store, nul, shown(UNICODE, UNICODE, 1))
    async with store.snapshot() as snapshot:
        assert (await snapshot.rows.get("b-1") or {})["note"] == "a\0b"
        assert (await snapshot.rows.get(UNICODE) or {})["who"] == UNICODE
    assert await store.load(["b-1"]) == {"b-1": {"bills": '{"x":"\\u0000"}'}}
    assert len((await find(store, {"who": UNICODE})).rows) == 2


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "", "no such"])
async def test_what_nothing_can_be_called_is_not_found(stores: Stores, odd: str) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1"))
    async with store.snapshot() as snapshot:
        assert await snapshot.rows.get(odd) is None
        assert await snapshot.rows.find({"who": odd}) == Page([], None)
        assert await snapshot.rows.find({"owed": 2**70}) == Page([], None)


async def test_many_keys_at_once(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, *(shown(f"b-{n}", f"w-{n % 7}", n) for n in range(3000)))
    assert len(await store.load([f"b-{n}" for n in range(3000)])) == 3000
    async with store.snapshot() as snapshot:
        assert len(await snapshot.rows.many(f"b-{n}" for n in range(3000))) == 3000
    page = await find(store, {"who": "w-3"}, limit=1000)
    assert len(page.rows) == len([n for n in range(3000) if n % 7 == 3])


async def test_rows_are_found_by_their_columns_as_they_are_now(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1", "ann", 1), shown("b-2", "bob", 2), shown("b-3", "ann", 3))
    assert await all_pages(store, {"who": "ann"}) == ["b-1", "b-3"]
    await write(store, shown("b-1", "bob", 1))
    assert await all_pages(store, {"who": "ann"}) == ["b-3"]
    assert await all_pages(store, {"who": "bob"}) == ["b-1", "b-2"]
    assert await all_pages(store, {"who": "bob", "owed": 2}) == ["b-2"]
    assert await all_pages(store, {"who": "bob", "owed": 3}) == []


async def test_rows_are_found_and_summed_by_a_column_without_an_index(
    stores: Stores, backend: str
) -> None:
    store = await stores(replace(DEBTS, unindexed=["note"]))
    rows = [("b-1", 1, "old"), ("b-2", 2, "new"), ("b-3", 4, "old")]
    await write(store, *(shown(key, "ann", owed, note) for key, owed, note in rows))
    assert await all_pages(store, {"note": "old"}) == ["b-1", "b-3"]
    if backend != "redis":
        async with store.snapshot() as snapshot:
            sums = await snapshot.rows.totals(["note"], ["owed"])
        assert [(sum["note"], sum["owed"]) for sum in sums] == [("new", 2), ("old", 5)]


@pytest.mark.parametrize("name", ["owed", "nothing"])
async def test_only_text_columns_have_an_index_to_be_without(stores: Stores, name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' of view 'debts', unindexed, is no text"):
        await stores(replace(DEBTS, unindexed=[name]))


ROWS = [
    shown("k1", "ann", 5, "x"),
    shown("k2", "ann", -1, "x"),
    shown("k3", "bob", 5, "y"),
    shown("k4", None, 5, "y"),
    shown("k5", "ann", None, "x"),
    shown("k6", "zoë", 2**53, "y"),
    shown("k7", "Ann", -(2**62), "x"),
    shown("k8", "an", 5, "x"),
]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("where", "order", "expected"),
    [
        ({}, None, "k1 k2 k3 k4 k5 k6 k7 k8"),
        ({}, "owed", "k7 k2 k1 k3 k4 k8 k6 k5"),
        ({}, "who", "k7 k8 k1 k2 k5 k3 k6 k4"),
        ({"who": "ann"}, None, "k1 k2 k5"),
        ({"who": "ann"}, "owed", "k2 k1 k5"),
        ({"who": "ann"}, "who", "k1 k2 k5"),
        ({"who": None}, "owed", "k4"),
        ({"owed": None}, None, "k5"),
        ({"owed": 5}, "who", "k8 k1 k3 k4"),
        ({"owed": 5, "note": "x"}, "who", "k8 k1"),
        ({"note": "x"}, "owed", "k7 k2 k1 k8 k5"),
    ],
)
async def test_pages_follow_each_other_without_gap_or_repeat(
    stores: Stores, where: dict[str, Scalar], order: str | None, expected: str, descending: bool
) -> None:
    store = await stores(DEBTS)
    await write(store, *ROWS)
    found = await all_pages(store, where, order=order, descending=descending)
    assert found == expected.split()[:: -1 if descending else 1]


async def test_a_cursor_of_another_question_is_refused(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, *ROWS)
    page = await find(store, {}, order="owed", limit=1)
    for order in (None, "who"):
        with pytest.raises(WrongCursor):
            await find(store, {}, order=order, after=page.next)
    for odd in ("", "x", "☃", "bnVsbA", "W10", "WzEsMl0", "." * 5000):
        with pytest.raises(WrongCursor):
            await find(store, {}, order="owed", after=odd)


async def test_totals_are_grouped_and_ordered(stores: Stores, backend: str) -> None:
    if backend == "redis":  # by the port's own words it can't
        async with (await stores(DEBTS)).snapshot() as snapshot:
            with pytest.raises(TypeError):
                await snapshot.rows.totals(["who"], ["owed"])
        return
    store = await stores(DEBTS)
    rows = [
        shown("k1", "ann", 5),
        shown("k2", "bob", 20),
        shown("k3", "ann", 6),
        shown("k4", None, None),
    ]
    await write(store, *rows)
    async with store.snapshot() as snapshot:
        ask = snapshot.rows.totals
        ann, bob = {"who": "ann", "owed": 11, "count": 2}, {"who": "bob", "owed": 20, "count": 1}
        nobody = {"who": None, "owed": 0, "count": 1}
        assert await ask(["who"], ["owed"]) == [ann, bob, nobody]
        assert await ask(["who"], ["owed"], order="owed") == [bob, ann, nobody]
        assert await ask(["who"], ["owed"], order="count", limit=1) == [ann]
        assert await ask(["who"], ["owed"], where={"who": "bob"}) == [bob]
        assert await ask(["who"], ["owed"], where={"who": None}) == [nobody]
        assert await ask(["who"], ["owed"], where={"who": "a\0"}) == []
        assert await ask([], ["owed"]) == [{"owed": 31, "count": 4}]
        assert await ask([], ["owed"], where={"who": "eve"}) == [{"owed": 0, "count": 0}]


async def test_sums_may_be_larger_than_any_column(stores: Stores, backend: str) -> None:
    if backend != "redis":
        store = await stores(DEBTS)
        await write(store, *(shown(f"k{n}", "ann", 2**63 - 1) for n in range(3)))
        async with store.snapshot() as snapshot:
            (found,) = await snapshot.rows.totals([], ["owed"])
        assert found["owed"] == 3 * (2**63 - 1)


def waiting(key: str, position: int, reason: str = "why") -> Parked:
    return Parked("debts/bills", key, position, b"\xff body", reason)


async def test_what_is_parked_is_listed_by_reader_key_and_position(stores: Stores) -> None:
    store = await stores(DEBTS)
    places = [("bill/b", 11), ("bill/a", 12), ("bill/b", 9), ("bill/a", 100)]
    await write(store, parked=[waiting(*place) for place in places])
    await write(store, domain="money", parked=[Parked("debts/money", "payment/p", 1, b"", "x")])
    found = [(row.reader, row.key, row.position) for row in await store.parked()]
    assert found == [
        ("debts/bills", "bill/a", 12),
        ("debts/bills", "bill/a", 100),
        ("debts/bills", "bill/b", 9),
        ("debts/bills", "bill/b", 11),
        ("debts/money", "payment/p", 1),
    ]
    assert [row.key for row in await store.parked("debts/money")] == ["payment/p"]
    assert (await store.parked())[0].body == b"\xff body"
    assert set((await store.state()).parked) == {
        ("debts/bills", "bill/a"),
        ("debts/bills", "bill/b"),
        ("debts/money", "payment/p"),
    }


async def test_what_is_parked_counts_its_attempts_until_it_is_freed(stores: Stores) -> None:
    store = await stores(DEBTS)
    await write(store, parked=[waiting("bill/a", 1), waiting("bill/a", 2)])
    since = (await store.parked())[0].since
    await write(store, places={}, parked=[waiting("bill/a", 1, "again")])
    first, second = await store.parked()
    assert (first.attempts, first.reason, first.since) == (2, "again", since)
    assert (second.attempts, second.reason) == (1, "why")
    gone = [("debts/bills", "bill/a", 1), ("debts/bills", "bill/a", 2)]
    await write(store, shown("a"), places={}, unparked=gone)
    assert await store.parked() == []
    state = await store.state()
    assert not state.parked
    assert state.checkpoints["bills"].position == 1


async def test_other_columns_under_the_same_version_are_refused(stores: Stores) -> None:
    await stores(DEBTS)
    with pytest.raises(ViewChanged, match="raise its version"):
        await stores(replace(DEBTS, columns={"who": str}))


async def test_another_view_is_joined_at_query_time(stores: Stores) -> None:
    store, names = await stores(DEBTS), await stores(replace(DEBTS, name="names"))
    await write(names, shown("ann", "Ann of Green Gables"))
    async with store.snapshot() as snapshot:
        found = await snapshot.rows.of("names").many(["ann", "bob"])
        assert found["ann"]["who"] == "Ann of Green Gables"
        page = await snapshot.rows.of("names").find({"who": "Ann of Green Gables"}, order="owed")
        assert [row["id"] for row in page.rows] == ["ann"]
        with pytest.raises(ViewMissing):
            await snapshot.rows.of("nothing").get("ann")


async def test_several_processes_may_create_a_view_at_once(stores: Stores) -> None:
    several = await asyncio.gather(*(stores(DEBTS) for _ in range(5)))
    assert len({(await store.state()).stamp for store in several}) == 1


@pytest.mark.parametrize("name", ["Debts", "de-bts", "", "x" * 41, "a;drop"])
async def test_a_view_has_a_plain_name(stores: Stores, name: str) -> None:
    with pytest.raises(ValueError, match="must match"):
        await stores(replace(DEBTS, name=name))


async def test_a_parameter_can_not_have_the_name_of_one_that_all_queries_have(
    stores: Stores,
) -> None:
    class Asked(Struct):
        after: str = ""

    query = replace(DEBTS.queries[0], params=Asked)
    with pytest.raises(ValueError, match=r"debts\.get can't be named 'after'"):
        await stores(replace(DEBTS, queries=[query]))


async def test_a_slot_that_could_be_changed_in_place_is_refused(stores: Stores) -> None:
    class Changing(Struct):
        paid: int = 0

    bills, _ = DEBTS.sources
    with pytest.raises(ValueError, match="Changing, the slot of money in view 'debts'"):
        await stores(replace(DEBTS, sources=[bills, Source(MONEY, Changing)]))


async def test_a_cancellation_is_never_swallowed(stores: Stores) -> None:
    store = await stores(DEBTS)

    async def look(turns: int) -> asyncio.Task[object]:
        looking: asyncio.Task[object] = asyncio.create_task(store.state())
        for _ in range(turns):
            await asyncio.sleep(0)
        looking.cancel()
        await asyncio.wait([looking])
        return looking

    for turns in [*range(60)] * 5:
        looking = await look(turns)
        # One that was quicker than the cancellation has its result; there is no third way.
        assert looking.cancelled() or looking.cancelling() == 0


async def test_stretches_of_keys_hold_all_that_there_is(stores: Stores) -> None:
    store = await stores(DEBTS)
    rows = [shown(f"b-{n}", "ann", n, UNICODE) for n in range(5)]
    await write(store, *rows, RowChange("b-x", {"bills": "{}"}, None, (None, None, None)))
    whole = await store.digests("", most=100)
    assert list(whole.of) == [*(f"b-{n}" for n in range(5)), "b-x"]
    assert (whole.positions, whole.end) == ({"bills": 1, "money": 0}, "")
    first = await store.digests("", most=2)
    assert (list(first.of), first.end) == (["b-0", "b-1"], "b-1")
    rest = await store.digests("b-1", most=4)
    assert {**first.of, **rest.of} == whole.of
    assert rest.end == ""
    part = await store.digests("b-0", upto="b-2x", most=1)
    assert (list(part.of), part.end) == (["b-1", "b-2"], "")
    assert (await store.digests("b-x", most=100)).of == {}


@pytest.mark.parametrize(
    "other",
    [
        shown("b-1", "bob", 1),
        shown("b-1", "ann", 2),
        shown("b-1", None, 1),
        shown("b-1", "ann", 1)._replace(columns=("ann", 1, "other")),
        shown("b-1", "ann", 1)._replace(slots={"bills": "{}"}),
        shown("b-1", "ann", 1)._replace(row='{"other":1}'),
        shown("b-1", "ann", 1)._replace(row=None, columns=(None, None, None)),
        shown("b-1", "ann", 1)._replace(slots={"money": "{}"}),
    ],
)
async def test_whatever_differs_under_a_key_shows_in_its_digest(
    stores: Stores, other: RowChange
) -> None:
    store = await stores(DEBTS)
    await write(store, shown("b-1", "ann", 1), shown("b-2"))
    before = (await store.digests("", most=100)).of
    await write(store, other)
    after = (await store.digests("", most=100)).of
    assert after["b-1"] != before["b-1"]
    assert after["b-2"] == before["b-2"]
