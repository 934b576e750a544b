"""Waiting until the shop has come to rest: nothing moves, and the views have heard all."""

from __future__ import annotations

from collections.abc import Mapping

from bus import subjects
from bus.clock import Clock
from scripts.olist.actual import Books
from scripts.olist.streams import DOMAINS

LOOK = 0.5
"""Seconds between two looks: other processes are at work, there is nothing to await."""
QUIET = 4
"""Looks in a row at which nothing has moved."""
_VIEWS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "orders": ("recent", {"limit": 1}),
    "payments": ("list", {"limit": 1}),
    "products": ("list", {"limit": 1}),
    "sales": ("by_month", {"limit": 1}),
    "stock": ("list", {"limit": 1}),
}
"""A question to each view that is soon answered: every answer carries positions."""

Heads = Mapping[str, int]


async def at_rest(books: Books, clock: Clock, patience: float) -> str:
    """Returns "" once nothing moves and no view is behind; what is still open when
    `patience`, in seconds, is over. Raises NoAnswer."""
    until = clock.now().timestamp() + patience
    before: Heads = {}
    quiet = 0
    while True:
        heads = await _heads(books)
        behind = await _behind(books, heads)
        quiet = quiet + 1 if heads == before and not behind else 0
        if quiet >= QUIET:
            return ""
        if clock.now().timestamp() > until:
            return behind or "events are still being recorded"
        before = heads
        await clock.sleep(LOOK)


async def _heads(books: Books) -> Heads:
    found = {}
    for domain in DOMAINS:
        answer = await books.ask(subjects.log_read(domain), {"after": 2**62, "limit": 1})
        found[domain] = int(answer["head"])
    return found


async def _behind(books: Books, heads: Heads) -> str:
    """A sentence about the views that have not heard everything, "" where all have."""
    found = []
    for view, (query, question) in _VIEWS.items():
        answer = await books.ask(subjects.query(view, query), question)
        for domain, position in answer["positions"].items():
            if position < heads[domain]:
                found.append(f"{view} is at {position:,} of {heads[domain]:,} of {domain}")
    return ", ".join(found)
