"""The `next` of a page: where the following one goes on."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple

import msgspec

from bus.view import Scalar, WrongCursor


class Cursor(NamedTuple):
    """The last row of a page: its value in the column that orders, and its key."""

    value: Scalar
    key: str

    @property
    def sortable(self) -> tuple[bool, Any, str]:
        """Rows without a value come last."""
        return (self.value is None, self.value if self.value is not None else 0, self.key)


_decoder = msgspec.json.Decoder(Cursor)


def encode(value: Scalar, key: str) -> str:
    return urlsafe_b64encode(msgspec.json.encode((value, key))).decode().rstrip("=")


def decode(text: str, kind: type[str] | type[int] | None) -> Cursor:
    """The row that `text` stands for, ordered by a column of `kind`. Raises WrongCursor."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        cursor = _decoder.decode(urlsafe_b64decode(padded))
    except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError, ValueError):
        raise WrongCursor(f"{text!r} is no page's `next`") from None
    if cursor.value is not None and type(cursor.value) is not kind:
        raise WrongCursor(f"{text!r} is the `next` of another question")
    return cursor
