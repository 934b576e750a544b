"""What each column of a settlement report may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bus import subjects
from bus.messages import MAX_AMOUNT, Money
from domains.payments.messages import Movement

_digits = re.compile(r"[0-9]{1,16}").fullmatch
_currency = re.compile(r"[A-Z]{3}").fullmatch
_movement = re.compile(r"[!-~]{1,100}").fullmatch
_reference = re.compile(r"[^\x00-\x1f\x7f]{1,500}").fullmatch
LAST_PAYMENT = 10_000
KINDS = ("captured", "refunded")


class _Wrong(Exception):
    """The rule that a value breaks."""


def _matching(fits: Callable[[str], Any], rule: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not fits(value):
            raise _Wrong(rule)
        return value

    return read


def _number(value: str, most: int, rule: str) -> int:
    if not _digits(value) or not 1 <= int(value) <= most:
        raise _Wrong(rule)
    return int(value)


def _time(value: str) -> datetime:
    time = moment(value)
    if time is None:
        raise _Wrong("no time with a zone, like 2026-01-31T23:59:59Z")
    return time


def moment(value: str) -> datetime | None:
    """A time by RFC 3339 that names its zone."""
    try:
        time = msgspec.convert(value, datetime, strict=False)
    except msgspec.ValidationError:
        return None
    return time if time.tzinfo is not None else None


def _payment(value: str) -> int:
    return _number(value, LAST_PAYMENT, f"no payment's number, 1 to {LAST_PAYMENT}")


def _amount(value: str) -> int:
    return _number(value, MAX_AMOUNT, "no amount in minor units (cents): digits only, at least 1")


READ: Mapping[str, Callable[[str], Any]] = {
    "movement": _matching(_movement, "no id of 1 to 100 printable characters without spaces"),
    "time": _time,
    "order": _matching(subjects.is_id, "no order's id"),
    "payment": _payment,
    "reference": _matching(_reference, "no reference of 1 to 500 characters"),
    "kind": _matching(KINDS.__contains__, f"neither {' nor '.join(KINDS)}"),
    "amount": _amount,
    "currency": _matching(_currency, "no currency by ISO 4217, like EUR"),
}
COLUMNS = tuple(READ)


def read(row: Sequence[str]) -> tuple[str, Movement] | list[str]:
    """The order and its movement, or all that is wrong, each with its column."""
    values, wrong = {}, []
    for (name, reading), value in zip(READ.items(), row, strict=True):
        try:
            values[name] = reading(value.strip())
        except _Wrong as rule:
            wrong.append(f"column {name}: {value.strip()[:60]!r} is {rule}")
    return wrong or _read(values)


def _read(values: Mapping[str, Any]) -> tuple[str, Movement]:
    movement = Movement(
        id=values["movement"],
        time=values["time"],
        payment=values["payment"],
        reference=values["reference"],
        kind=values["kind"],
        amount=Money(values["amount"], values["currency"]),
    )
    return values["order"], movement
