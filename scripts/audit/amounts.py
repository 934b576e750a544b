"""Amounts as people read them."""

from __future__ import annotations

WHOLE = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THOUSANDTHS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
"""The currencies of ISO 4217 whose minor unit is not a hundredth."""


def amount(minor: int, currency: str) -> str:
    """`minor` units, in whole ones: BRL 1,234.56."""
    places = 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2
    sign, digits = ("-" if minor < 0 else ""), f"{abs(minor):0{places + 1}}"
    whole, part = (digits[:-places], f".{digits[-places:]}") if places else (digits, "")
    return f"{currency} {sign}{int(whole):,}{part}"
