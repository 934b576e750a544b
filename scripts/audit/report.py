"""What the audit says: how much it has covered, the sums, and what does not balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from scripts.audit.amounts import amount
from scripts.audit.auditing import Auditing
from scripts.audit.finding import Finding


class Report(Struct, frozen=True, kw_only=True):
    """`events` were read, by domain; up to `proved` the store was found to hold the same. `money`
    is by currency, in minor units; `units` are of all SKUs. `moving` orders did not balance, but
    somebody has told of them a moment ago. `orders`, `units` and `money` are of what lives here,
    `past` is of orders that were played elsewhere, by currency."""

    balanced: bool
    events: Mapping[str, int]
    proved: Mapping[str, int]
    orders: int
    skus: int
    moving: int
    compensations: int
    units: Mapping[str, int]
    money: Mapping[str, Mapping[str, int]]
    findings: Sequence[Finding]
    past: Mapping[str, Mapping[str, int]] = {}

    @property
    def verdict(self) -> str:
        covered = (
            f"{sum(self.events.values()):,} events of {len(self.events)} domains, "
            f"{self.orders:,} orders, {self.skus:,} SKUs"
        )
        if self.compensations:
            covered += f", {self.compensations:,} compensations"
        moving = f"; {self.moving:,} orders still moving, not judged" if self.moving else ""
        covered = "; ".join([covered, *self._of_the_past()])
        if self.balanced:
            return f"balanced: {covered}{moving}"
        places = len({finding.of for finding in self.findings})
        many = len(self.findings)
        return f"not balanced: {many:,} findings in {places:,} places; {covered}{moving}"

    def _of_the_past(self) -> Iterator[str]:
        for currency, sums in self.past.items():
            off = amount(sums["over"] + sums["under"], currency)
            yield (
                f"{sums['orders']:,} orders of the past, {sums['unbalanced']:,} of them don't "
                f"balance, by {off}"
            )

    def sums(self) -> Sequence[Mapping[str, Any]]:
        """One row a sum: units, then money by currency, then what is past."""
        rows = [("units", "", name, sum) for name, sum in self.units.items()]
        for currency, sums in self.money.items():
            rows += [("money", currency, name, sum) for name, sum in sums.items()]
        for currency, sums in self.past.items():
            rows += [("past", currency, name, sum) for name, sum in sums.items()]
        return [
            {"of": of, "currency": currency, "sum": name, "amount": amount}
            for of, currency, name, amount in rows
        ]


def report(auditing: Auditing) -> Report:
    books = auditing.books
    findings = sorted(auditing.findings())
    return Report(
        balanced=not findings,
        events={domain: trail.position for domain, trail in books.trails.items()},
        proved={domain: trail.proved for domain, trail in books.trails.items()},
        orders=books.orders,
        skus=books.skus,
        moving=auditing.moving,
        compensations=len(books.compensations),
        units=books.units(),
        money=books.money(),
        findings=findings,
        past=books.past(),
    )
