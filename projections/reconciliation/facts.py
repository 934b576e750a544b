"""The view `reconciliation`: what all domains have told of each order and each SKU, and what does
not agree. Whoever looks after it asks for what is `due`; see `worker.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from bus.envelope import Recorded
from bus.view import (
    Page,
    Paged,
    Query,
    RowData,
    Rows,
    Source,
    UnknownKey,
    View,
    sortable,
)
from domains.catalog.messages import CONTRACT as CATALOG
from domains.inventory.messages import CONTRACT as INVENTORY
from domains.ordering.messages import CONTRACT as ORDERING
from domains.payments.messages import CONTRACT as PAYMENTS
from domains.reconciliation.messages import CONTRACT as RECONCILIATION
from domains.reconciliation.messages import Kind, Subject, divergence_id
from domains.shipping.messages import CONTRACT as SHIPPING
from projections.reconciliation import folding, known, rules
from projections.reconciliation.found import Found, Owed
from projections.reconciliation.known import Divergence, Known
from projections.reconciliation.slots import Facts

AT_ONCE = ""
NEVER = "never"
"""As text behind every time."""


class Task(Struct, frozen=True, kw_only=True):
    """What is to be said of a divergence: that it was `found`, or that it is not there any more.
    `seen` is how many of its events are known here. Before that, those in `owed` must have got past
    what they owe something for."""

    id: str
    found: Found | None = None
    seen: int = 0
    owed: Sequence[Owed] = ()
    due: str


class Row(Struct, frozen=True, kw_only=True):
    """`due` is when the earliest of `tasks` counts, without the time of grace; `unsettled` is when
    its money last moved, if no report of the provider's tells of all that time."""

    of: Subject
    due: str
    unsettled: str = NEVER
    tasks: Sequence[Task]
    facts: Mapping[str, Facts]


def keys(event: Recorded[Any]) -> Iterable[str]:
    if event.domain == "reconciliation":
        return (event.data.of.key,) if event.aggregate == "divergence" else ()
    return folding.keys(event)


def fold(slot: Facts | Known | None, event: Recorded[Any], key: str) -> Facts | Known:
    if event.domain == "reconciliation":
        return known.fold(slot if isinstance(slot, Known) else None, event)
    return folding.fold(slot if isinstance(slot, Facts) else None, event, key)


def row(slots: Mapping[str, Any]) -> Row | None:
    facts = {domain: slots[domain] for domain in sorted(slots) if domain != "reconciliation"}
    if not facts:
        return None
    of = next(iter(facts.values())).of
    tasks = _tasks(of, facts, slots.get("reconciliation", Known()))
    due = min((task.due for task in tasks), default=NEVER)
    return Row(of=of, due=due, unsettled=_unsettled(facts), tasks=tasks, facts=facts)


def _unsettled(facts: Mapping[str, Facts]) -> str:
    told = facts["payments"].settling if "payments" in facts else None
    if told is None or told.last is None or told.settled:
        return NEVER
    return sortable(told.last)


def _tasks(of: Subject, facts: Mapping[str, Facts], about: Known) -> list[Task]:
    found = {divergence_id(each.rule, of, each.part): each for each in rules.check(of.kind, facts)}
    there = (_there(id, each, about.divergences.get(id)) for id, each in found.items())
    gone = (_gone(id, each) for id, each in about.divergences.items() if id not in found)
    return [task for tasks in (*there, *gone) for task in tasks]


def _there(id: str, found: Found, before: Divergence | None) -> Iterator[Task]:
    owed = [found.owed] if found.owed else []
    since, seen = found.since, 0
    if before is not None:
        seen = before.events
        same = (before.said, before.amount) == (found.said, found.amount)
        if before.stage in ("dismissed", "escalated") and same:
            return
        if before.stage == "compensating":
            owed.append(_asked(before))
        since = max(since, before.time)
    yield Task(id=id, found=found, seen=seen, owed=owed, due=sortable(since))


def _gone(id: str, before: Divergence) -> Iterator[Task]:
    """What a person has dismissed, too: if it comes again, it is another one."""
    if before.stage == "resolved":
        return
    owed = [_asked(before)] if before.stage == "compensating" else []
    yield Task(id=id, seen=before.events, owed=owed, due=AT_ONCE)


def _asked(before: Divergence) -> Owed:
    return Owed(domain=before.domain, upstream="reconciliation", position=before.position)


def _of(kind: Kind) -> Query:
    """`qry.reconciliation.order.<id>` and `qry.reconciliation.sku.<id>`: the row is not under the
    id alone, as an order and a SKU may have the same."""

    async def get(rows: Rows, id: str, _: Any) -> RowData:
        if (found := await rows.get(f"{kind}/{id}")) is None:
            raise UnknownKey(id)
        return found

    return Query(kind, get, keyed=True)


class Due(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows with something due before then; without it, whenever."""

    before: datetime | None = None


async def due(rows: Rows, _: str, asked: Due) -> Page:
    """Those that have waited longest first."""
    found = await rows.find({}, order="due", limit=asked.limit, after=asked.page)
    before = sortable(asked.before) if asked.before else NEVER
    there = [each for each in found.rows if each["due"] <= before and each["due"] != NEVER]
    return Page(there, found.next if len(there) == len(found.rows) else None)


class Unsettled(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Orders whose money last moved in that time."""

    since: datetime | None = None
    until: datetime


async def unsettled(rows: Rows, _: str, asked: Unsettled) -> Page:
    """Their ids, those first whose money has rested longest."""
    found = await rows.find({}, order="unsettled", limit=asked.limit, after=asked.page)
    since, until = sortable(asked.since) if asked.since else "", sortable(asked.until)
    there = [each for each in found.rows if each["unsettled"] <= until]
    ids = [{"id": each["of"]["id"]} for each in there if each["unsettled"] >= since]
    return Page(ids, found.next if len(there) == len(found.rows) else None)


VIEW = View(
    name="reconciliation",
    version=3,
    sources=[
        *(Source(contract, Facts) for contract in (CATALOG, ORDERING, INVENTORY, PAYMENTS)),
        Source(SHIPPING, Facts),
        Source(RECONCILIATION, Known),
    ],
    keys=keys,
    fold=fold,
    row=row,
    columns={"due": str, "unsettled": str},
    queries=[
        _of("order"),
        _of("sku"),
        Query("due", due, Due, example='{"before":"2026-01-31T12:00:00Z"}'),
        Query("unsettled", unsettled, Unsettled, example='{"until":"2026-01-31T12:00:00Z"}'),
    ],
)
