"""An append as the arguments of the SQL function: each table as a few wide texts.

asyncpg checks and copies every element of an array, which was a third of a busy service's
time; one joined text a column costs half (measured with 64 events an append).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bus.envelope import Key
from bus.store.port import Append

SEPARATOR = "\x1e"
"""Record separator: JSON never contains it raw (RFC 7464), nor does an identifier."""

Table = list[str] | None
"""Columns of a table, packed; None where it has no rows."""


def packed(values: Sequence[str]) -> str:
    """Each value behind a separator. Raises ValueError where a value contains one or NUL."""
    text = SEPARATOR + SEPARATOR.join(values) if values else ""
    if text.count(SEPARATOR) != len(values) or "\0" in text:
        raise ValueError("a value contains U+001E or NUL, which no identifier or JSON may")
    return text


def keys(keys: Iterable[Key]) -> tuple[str, str]:
    """Aggregates and ids."""
    found = tuple(keys)
    return packed([key.aggregate for key in found]), packed([key.id for key in found])


def arguments(append: Append) -> tuple[Table, ...]:
    """What the function `append` takes, in its order."""
    return (
        _reads(append),
        _events(append),
        _receipts(append),
        _moves(append),
        _duties(append),
        _names(append.settled),
        _fired(append),
        _parked(append),
        _unparked(append),
        _refusals(append),
    )


def _reads(append: Append) -> Table:
    """All that was read but what begins here: that it was not there, the index on versions
    says by itself when its first event is written, and two looks cost more than one."""
    begun = {event.key for event in append.events if event.version == 1}
    read = {key: v for key, v in append.expected.items() if v or key not in begun}
    return [*keys(read), packed([str(version) for version in read.values()])]


def _names(names: Sequence[str]) -> Table:
    return [packed(names)] if names else None


def _events(append: Append) -> Table:
    events = append.events
    if not events:
        return None
    return [
        packed([event.event_id for event in events]),
        packed([event.key.aggregate for event in events]),
        packed([event.key.id for event in events]),
        packed([str(event.version) for event in events]),
        packed([event.type for event in events]),
        packed([event.body.decode() for event in events]),
    ]


def _receipts(append: Append) -> Table:
    rows = append.receipts
    if not rows:
        return None
    return [
        packed([row.command_id for row in rows]),
        packed([row.digest.hex() for row in rows]),
        packed([row.answer.decode() for row in rows]),
        packed([str(row.last) for row in rows]),
    ]


def _moves(append: Append) -> Table:
    rows = append.moved
    if not rows:
        return None
    return [
        packed([row.upstream for row in rows]),
        packed([str(row.before.position) for row in rows]),
        packed([row.before.event_id for row in rows]),
        packed([str(row.after.position) for row in rows]),
        packed([row.after.event_id for row in rows]),
    ]


def _duties(append: Append) -> Table:
    rows = {row.name: row for row in append.duties}.values()
    if not rows:
        return None
    return [
        packed([row.name for row in rows]),
        packed([row.due.isoformat() for row in rows]),
        packed([row.kind for row in rows]),
        packed([row.body.decode() for row in rows]),
        packed([row.event_id for row in rows]),
        packed([row.correlation_id for row in rows]),
    ]


def _fired(append: Append) -> Table:
    rows = append.fired
    if not rows:
        return None
    return [packed([row.name for row in rows]), packed([row.event_id for row in rows])]


def _parked(append: Append) -> Table:
    rows = append.parked
    if not rows:
        return None
    return [
        packed([row.reader for row in rows]),
        packed([row.key for row in rows]),
        packed([str(row.position) for row in rows]),
        packed([row.body.hex() for row in rows]),
        packed([storable(row.reason) for row in rows]),
    ]


def _unparked(append: Append) -> Table:
    rows = append.unparked
    if not rows:
        return None
    readers, names, positions = zip(*rows, strict=True)
    return [packed(readers), packed(names), packed([str(p) for p in positions])]


def _refusals(append: Append) -> Table:
    rows = append.refusals
    if not rows:
        return None
    return [
        packed([row.upstream for row in rows]),
        packed([str(row.position) for row in rows]),
        packed([row.command for row in rows]),
        packed([row.id for row in rows]),
        packed([row.code for row in rows]),
        packed([storable(row.message) for row in rows]),
    ]


def storable(reason: str) -> str:
    """Free text without what a text column can't hold, or what separates."""
    clean = reason.encode(errors="replace").decode()
    return clean.replace("\0", "\ufffd").replace(SEPARATOR, "\ufffd")
