"""However streams interleave, are cut into batches and written, the rows come out the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bus.clock import SystemClock
from bus.owner import Delivered
from bus.view import RowData
from bus.views.builder import Builder
from bus.views.memory import MemoryViewStore
from tests.contract.views.sample import BILLS, DEBTS, MONEY, Billed, Paid, Renamed
from tests.contract.views.scene import written

ids = st.sampled_from(["b-1", "b-2", "b-3"])
bills = st.one_of(
    st.builds(lambda id, n: (id, Billed(who="ann", amount=n)), ids, st.integers(0, 9)),
    st.builds(lambda id, n: (id, Renamed(name=f"n{n}")), ids, st.integers(0, 9)),
    st.builds(lambda id: (id, Billed(who="eve", amount=-1)), ids),
)
payments = st.builds(lambda id, n: (id, Paid(bill=id, amount=n)), ids, st.integers(0, 9))
Way = Sequence[tuple[int, int]]
"""How many events of each stream are in the next write."""
ways = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=40)
DOMAINS = ("bills", "money")


async def read(streams: Sequence[Sequence[Delivered]], way: Way) -> tuple[object, object]:
    """The rows, and what is parked, after both streams have been read to their ends."""
    store = MemoryViewStore(DEBTS)
    await store.open()
    builder = Builder(store, SystemClock(), lambda: None)
    await builder.begin()
    left = [list(stream) for stream in streams]
    for counts in [*way, (1000, 0), (0, 1000)]:
        reads = {}
        for domain, stream, count in zip(DOMAINS, left, counts, strict=True):
            if batch := stream[:count]:
                del stream[:count]
                reads[domain] = await builder.read(domain, batch)
        await builder.put(reads)
    await builder.retry(None)
    async with store.snapshot() as snapshot:
        rows: Sequence[RowData] = (await snapshot.rows.find({}, limit=100)).rows
    return rows, [row[:3] for row in await store.parked()]


@given(st.lists(bills, max_size=20), st.lists(payments, max_size=20), ways)
def test_rows_do_not_depend_on_how_the_streams_interleave(
    billed: Sequence[tuple[str, Billed]], paid: Sequence[tuple[str, Paid]], way: Way
) -> None:
    streams = [
        [
            Delivered(position, type(event).__name__, written(contract, id, event).body)
            for position, (id, event) in enumerate(events, start=1)
        ]
        for contract, events in ((BILLS, billed), (MONEY, paid))
    ]
    assert asyncio.run(read(streams, way)) == asyncio.run(read(streams, []))
