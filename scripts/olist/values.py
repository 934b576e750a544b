"""Amounts and times as the files write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from bus.messages import Money
from scripts.olist.files import FilesError

CURRENCY = "BRL"
LOCAL = timezone(timedelta(hours=-3))
_AMOUNT = re.compile(r"(\d{1,14})(?:\.(\d{1,2}))?")


def money(text: str) -> Money:
    return Money(cents(text), CURRENCY)


def cents(text: str) -> int:
    """Exactly, never by way of a float. Raises FilesError."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise FilesError(f"{text!r} is no amount such as 58.90")
    whole, fraction = found.groups(default="")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def aware(text: str) -> datetime:
    """Raises FilesError."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=LOCAL)
    except ValueError:
        raise FilesError(f"{text!r} is no time such as 2017-10-02 10:56:33") from None


def since(text: str | None) -> datetime | None:
    """None where the files leave the time open. Raises FilesError."""
    return aware(text) if text else None
