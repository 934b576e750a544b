"""What the books must say after the import, asked of the files in SQL (`expected.sql`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.olist.files import Files
from scripts.olist.rows import Order

Amounts = Mapping[str, int]
"""Orders, units or cents by whatever names them."""

_ACCEPTED = "state not like 'refused%'"
_CODE = "replace(state, 'refused ', '')"


class Expected:
    """Amounts are in cents of BRL. Raises FilesError where a value makes no sense."""

    def __init__(self, files: Files) -> None:
        self._files = files
        files.define(Path(__file__).with_name("expected.sql"))

    def orders(self) -> Amounts:
        """Orders by the state that they end in."""
        return self._sums("state", "1", f"expected_order where {_ACCEPTED}")

    def refused(self) -> Amounts:
        """Orders that can't be placed, by code."""
        return self._sums(_CODE, "1", f"expected_order where not ({_ACCEPTED})")

    def refused_orders(self) -> Iterator[Order]:
        """Those themselves."""
        refused = f"select order_id from expected_order where not ({_ACCEPTED})"
        return self._files.orders(f"order_id in ({refused})")

    def payments(self) -> Amounts:
        """Payments by type and state."""
        return self._sums("type || ' ' || state", "1", "expected_payment")

    def money(self) -> Amounts:
        """What these are worth."""
        return self._sums("type || ' ' || state", "amount", "expected_payment")

    def moves(self) -> Amounts:
        """What was authorized, captured, voided, settled and refunded, by type."""
        return self._sums("type || ' ' || move", "amount", "expected_move")

    def sales(self, by: str, what: str) -> Amounts:
        """`price` or `freight` of what was sold, by `month` (UTC), `category` or `seller`."""
        return self._sums(by, what, "expected_sale")

    def stock(self, kind: str) -> Amounts:
        """Units by SKU: `shipped`, `on_hand` or `available`."""
        return self._sums("sku", kind, "expected_stock")

    def _sums(self, key: str, amount: str, source: str) -> Amounts:
        """Leaves out what sums up to nothing."""
        rows = self._files.query(
            f"select {key}, sum({amount})::bigint as n from {source} group by 1 having n <> 0"
        )
        return {str(key): int(str(amount)) for key, amount in rows}
