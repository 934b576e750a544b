"""Findings of an order: two sums or two counts that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.audit.finding import Finding
from scripts.audit.order import Order

Found = Iterator[Finding]


def finding(order: Order, rule: str, said: str, amount: int = 0) -> Finding:
    currency = order.ordered.currency if amount else ""
    return Finding(rule, f"order/{order.id}", said, amount, currency)


def same(order: Order, rule: str, wanted: int, got: int) -> Found:
    """Two amounts of money."""
    if wanted != got:
        said = f"{wanted} expected, {got} there"
        yield finding(order, rule, said, abs(wanted - got))


def equal(order: Order, rule: str, wanted: Mapping[Any, int], got: Mapping[Any, int]) -> Found:
    """Two counts, of SKUs or of lines."""
    pairs = {name: (wanted.get(name, 0), got.get(name, 0)) for name in {*wanted, *got}}
    off = [(_text(name), *pair) for name, pair in pairs.items() if pair[0] != pair[1]]
    if off:
        said = "; ".join(f"{name}: {a} expected, {b} there" for name, a, b in sorted(off))
        yield Finding(rule, f"order/{order.id}", said, sum(abs(a - b) for _, a, b in off))


def _text(name: Any) -> str:
    return name if isinstance(name, str) else "/".join(str(part) for part in name)
