"""What the provider's settlement report has told of one order. Amounts in minor units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from scripts.audit.events import Event


class Moved(msgspec.Struct, frozen=True, gc=False):
    payment: int
    kind: str
    amount: int


class Period(msgspec.Struct, frozen=True):
    """Without `since` from the beginning."""

    until: datetime
    since: datetime | None = None

    def covers(self, first: datetime | None, last: datetime | None) -> bool:
        return (self.since is None or first is None or self.since <= first) and (
            last is None or last <= self.until
        )


@dataclass(slots=True)
class Settled:
    """All that has moved, by the provider's own id of it, and the times of which that is all."""

    moved: dict[str, Moved] = field(default_factory=dict)
    currency: str = ""
    covered: list[Period] = field(default_factory=list)

    def take(self, event: Event) -> None:
        for movement in event.data["movements"]:
            amount, self.currency = movement["amount"]["amount"], movement["amount"]["currency"]
            self.moved[movement["id"]] = Moved(movement["payment"], movement["kind"], amount)
        self.covered = msgspec.convert(event.data["covered"], list[Period])

    def covers(self, first: datetime | None, last: datetime | None) -> bool:
        return any(period.covers(first, last) for period in self.covered)

    def sums(self, kind: str) -> Mapping[int, int]:
        """What was `captured` or `refunded`, by payment."""
        found: Counter[int] = Counter()
        for movement in self.moved.values():
            if movement.kind == kind:
                found[movement.payment] += movement.amount
        return found

    @property
    def kept(self) -> int:
        return sum(self.sums("captured").values()) - sum(self.sums("refunded").values())
