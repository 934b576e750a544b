"""The view `divergences`: where two books disagreed, what was done about it, and what waits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bus.envelope import Recorded
from bus.questions import by_key, totals
from bus.view import Page, Paged, Query, Rows, Scalar, Source, View, sortable
from domains.reconciliation.messages import (
    CONTRACT,
    CompensationRequested,
    DivergenceDetected,
    DivergenceDismissed,
    DivergenceEscalated,
    DivergenceReopened,
    DivergenceResolved,
    ReactAgain,
    Remedy,
)

OVER = ("resolved", "dismissed")
"""Stages in which nothing is left to be done."""


class Step(Struct, frozen=True, kw_only=True):
    time: str
    event: str
    position: int
    why: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """`amount` is in minor units of `currency`, 0 where the disagreement is not about money.
    `since` is when the books began to disagree, `detected` when that was first told; `why` is what
    a person has said, or why one must. `open` is "yes" or "no"."""

    id: str
    rule: str
    kind: str
    subject: str
    stage: str
    open: str
    said: str
    amount: int
    currency: str
    remedy: str
    why: str
    compensations: int
    since: str
    detected: str
    steps: Sequence[Step]


def keys(event: Recorded[Any]) -> Iterable[str]:
    return (event.id,)


def fold(slot: Row | None, event: Recorded[Any], key: str) -> Row:
    row = slot or _new(event)
    row = _moved(row, event.data)
    why = getattr(event.data, "why", "")
    step = Step(time=sortable(event.time), event=event.type, position=event.position, why=why)
    is_open = "no" if row.stage in OVER else "yes"
    return replace(row, open=is_open, steps=[*row.steps, step])


def _new(event: Recorded[Any]) -> Row:
    of = event.data.of
    return Row(
        id=event.id,
        rule=event.data.rule,
        kind=of.kind,
        subject=of.id,
        stage="open",
        open="yes",
        said="",
        amount=0,
        currency="",
        remedy="",
        why="",
        compensations=0,
        since=sortable(event.time),
        detected=sortable(event.time),
        steps=[],
    )


def _moved(row: Row, data: Any) -> Row:
    match data:
        case DivergenceDetected() | DivergenceReopened():
            return replace(
                row,
                stage="open",
                said=data.said,
                amount=data.amount.amount if data.amount else 0,
                currency=data.amount.currency if data.amount else "",
                remedy=_in_words(data.remedy),
                since=sortable(data.since),
            )
        case CompensationRequested(why=why):
            compensations = row.compensations + 1
            return replace(row, stage="compensating", why=why, compensations=compensations)
        case DivergenceEscalated(why=why):
            return replace(row, stage="escalated", why=why)
        case DivergenceDismissed(why=why):
            return replace(row, stage="dismissed", why=why)
        case _:
            return replace(row, stage="resolved", why="")


def _in_words(remedy: Remedy | None) -> str:
    match remedy:
        case None:
            return ""
        case ReactAgain(domain=domain, upstream=upstream, position=position):
            return f"{domain}: ReactAgain to {upstream}:{position}"
        case _:
            return f"{remedy.domain}: {type(remedy).__name__}"


def row(slots: Mapping[str, Any]) -> Row | None:
    return slots.get("reconciliation")


class Some(Paged, frozen=True, forbid_unknown_fields=True):
    """Those of one rule, in one stage, about one order or SKU, still open or not."""

    rule: str | None = None
    stage: str | None = None
    subject: str | None = None
    open: bool | None = None


async def listing(rows: Rows, _: str, asked: Some) -> Page:
    """The oldest first."""
    is_open = None if asked.open is None else ("no", "yes")[asked.open]
    given: Mapping[str, Scalar] = {
        "rule": asked.rule,
        "stage": asked.stage,
        "subject": asked.subject,
        "open": is_open,
    }
    where = {column: value for column, value in given.items() if value is not None}
    return await rows.find(where, order="detected", limit=asked.limit, after=asked.page)


async def oldest(rows: Rows, _: str, __: Any) -> Mapping[str, Any]:
    """What has waited longest of all that is open; null where nothing is."""
    page = await rows.find({"open": "yes"}, order="detected", limit=1)
    return {"oldest": page.rows[0] if page.rows else None}


VIEW = View(
    name="divergences",
    version=1,
    sources=[
        Source(
            CONTRACT,
            Row,
            [
                *(DivergenceDetected, DivergenceReopened, CompensationRequested),
                *(DivergenceEscalated, DivergenceResolved, DivergenceDismissed),
            ],
        )
    ],
    keys=keys,
    fold=fold,
    row=row,
    columns={
        **dict.fromkeys(("rule", "stage", "subject", "open", "detected", "currency"), str),
        "amount": int,
    },
    unindexed=["currency"],
    queries=[
        by_key(),
        Query("list", listing, Some, example='{"open":true}'),
        Query("oldest", oldest),
        totals(["rule", "stage", "currency"], ["amount"]),
    ],
)

if __name__ == "__main__":
    from bus.views.process import run

    run(VIEW)
