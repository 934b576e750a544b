"""`qry.<view>.at`: which cut there was at a time, or is around given positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from bus import replies
from bus.cuts.cutting import Contradiction, Cut, Cutting, NotFolded
from bus.cuts.folding import microseconds
from bus.cuts.layout import Layout
from bus.cuts.tree import Tree
from bus.intake import Invalid
from bus.view import Rows

Position = Annotated[int, Meta(ge=0, le=2**63 - 1)]
RULE = "either a time or positions, not both"


class At(Struct, frozen=True, forbid_unknown_fields=True):
    """Either is given."""

    time: Annotated[datetime, Meta(tz=True)] | None = None
    positions: Mapping[str, Position] | None = None


class Asking:
    """The answer is {"cut":{…}}, a position in each domain. An answer's `positions` are, as
    always, how far the rows were."""

    def __init__(self, domains: Sequence[str], layout: Layout) -> None:
        self._domains = domains
        self._layout = layout

    async def __call__(self, rows: Rows, _: str, asked: At) -> Mapping[str, Any]:
        """Raises Invalid."""
        if (asked.time is None) == (asked.positions is None):
            raise _invalid("time", f"give {RULE}", RULE)
        if asked.positions is not None:
            self._check(asked.positions)
        tree = Tree(rows, self._domains, self._layout)
        await tree.begin()
        found = await _cut(Cutting(tree), asked)
        return {"cut": {domain: found[domain] for domain in self._domains}}

    def _check(self, named: Cut) -> None:
        known = ", ".join(self._domains)
        if not named:
            raise _invalid("positions", f"positions must name one at least of {known}", "not empty")
        if unknown := sorted(named.keys() - {*self._domains}):
            rule = f"one of {known}"
            message = f"positions names {unknown[0]!r}, but this view follows {known}"
            raise _invalid("positions", message, rule)


async def _cut(cutting: Cutting, asked: At) -> Cut:
    try:
        if asked.time is not None:
            return await cutting.at_time(microseconds(asked.time))
        return await cutting.at_positions(asked.positions or {})
    except Contradiction as contradiction:
        raise _contradicting(contradiction, asked.positions or {}) from contradiction
    except NotFolded as error:
        raise _not_folded(error.missing) from error


def _contradicting(found: Contradiction, named: Cut) -> Invalid:
    last = found.needs[-1]
    rule = "no named event needs a later one than is named"
    message = f"positions can't be kept: {found}, but {last.of} is named at {named[last.of]}"
    return _invalid("positions", message, rule)


def _not_folded(missing: Cut) -> Invalid:
    places = ", ".join(f"{domain}={position}" for domain, position in sorted(missing.items()))
    message = f"the view has not come to {places} yet: ask again, with these as `after` to wait"
    return Invalid(replies.unavailable("CatchingUp", message, after=dict(missing)))


def _invalid(field: str, message: str, rule: str) -> Invalid:
    return Invalid(replies.invalid("InvalidBody", message, field=field, rule=rule))
