"""What a rule finds."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bus.messages import Money
from domains.reconciliation.messages import Remedy


class Owed(Struct, frozen=True, kw_only=True):
    """`domain` owes an effect of the event at `position` of `upstream`. Until it has got past that
    event it is only late."""

    domain: str
    upstream: str
    position: int


class Found(Struct, frozen=True, kw_only=True):
    """`since` is when the books began to disagree, `part` what tells several of one rule apart."""

    rule: str
    said: str
    since: datetime
    part: str = ""
    amount: Money | None = None
    remedy: Remedy | None = None
    owed: Owed | None = None
