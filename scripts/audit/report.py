"""What the audit says: how much it has covered, the sums, and what does not balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from scripts.audit.auditing import Auditing
from scripts.audit.finding import Finding


class Report(Struct, frozen=True, kw_only=True):
    """`events` were read, by domain; up to `proved` the store was found to hold the same. `money`
    is by currency, in minor units; `units` are of all SKUs. `moving` orders did not balance, but
    somebody has told of them a moment ago."""

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

    @property
    def verdict(self) -> str:
        covered = (
            f"{sum(self.events.values()):,} events of {len(self.events)} domains, "
            f"{self.orders:,} orders, {self.skus:,} SKUs"
        )
        if self.compensations:
            covered += f", {self.compensations:,} compensations"
        moving = f"; {self.moving:,} orders still moving, not judged" if self.moving else ""
        if self.balanced:
            return f"balanced: {covered}{moving}"
        places = len({finding.of for finding in self.findings})
        many = len(self.findings)
        return f"not balanced: {many:,} findings in {places:,} places; {covered}{moving}"

    def sums(self) -> Sequence[Mapping[str, Any]]:
        """One row a sum: money by currency, then units."""
        rows = [("units", "", name, sum) for name, sum in self.units.items()]
        for currency, sums in self.money.items():
            rows += [("money", currency, name, sum) for name, sum in sums.items()]
        return [
            {"of": of, "currency": currency, "sum": name, "amount": amount}
            for of, currency, name, amount in rows
        ]


def report(auditing: Auditing) -> Report:
    books = auditing.books
    findings = sorted(books.findings())
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
    )
