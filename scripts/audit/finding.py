"""What the audit has found: where the books don't balance."""

from __future__ import annotations

from msgspec import Struct


class Finding(Struct, frozen=True, order=True):
    """`rule` is what does not hold, `of` the order, SKU or domain, and `said` how it differs.

    `amount` is what it comes to: minor units of `currency`, or units of stock where that is "".
    """

    rule: str
    of: str
    said: str
    amount: int = 0
    currency: str = ""
