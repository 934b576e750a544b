"""What every message is made of: commands, events, identifiers, text and money."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, dataclass_transform

import msgspec
from msgspec import Meta, Struct, StructMeta

MAX_AMOUNT = 2**53 - 1
"""The largest amount, in minor units, that every JSON reader keeps exactly."""

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$(?!\n)"
# The look-ahead is there because Python's `$` also matches before a closing newline.

Id = Annotated[
    str, Meta(pattern=ID_PATTERN, description="1 to 64 letters, digits, hyphens or underscores")
]
"""An identifier that is safe as one token of a NATS subject."""

Text = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)",
        max_length=500,
        description="at most 500 characters, no control characters",
    ),
]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000, description="units, 1 to 1,000,000")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", description="ISO 4217 code")]


# Said of the metaclass for Command and Event, and of them for their subclasses: mypy wants both.
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class _Message(StructMeta):
    """Makes every message frozen and keyword-only, as msgspec and type checkers see it."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], body: dict[str, Any], **config: Any
    ) -> Any:
        return super().__new__(
            mcls, name, bases, body, **{"frozen": True, "kw_only": True, "gc": False, **config}
        )


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Command(Struct, metaclass=_Message, forbid_unknown_fields=True, tag_field="type"):
    """An intention, addressed to one aggregate. Subclass with `tag="ItsName"`.

    `id` is the aggregate's id. On the wire it is the last token of the subject, so a
    body leaves it out; a body that names another id than its subject is invalid.
    """

    id: str = ""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Event(Struct, metaclass=_Message, tag_field="@type"):
    """A fact. Subclass with `tag="ItsName"`; the tag is storage format and never changes.

    Unknown fields are read over, so that a newer writer can add optional ones. The tag's
    key is `@type` because no field can be called that, and `type` is a good name for one.
    """


@cache
def tag(message: type[Command] | type[Event]) -> str:
    """A message's name everywhere. Raises TypeError where it has declared none."""
    name = message.__struct_config__.tag
    if not isinstance(name, str):
        raise TypeError(f"{message.__qualname__} must declare its name: tag=...")
    return name


class Money(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A non-negative amount in the currency's minor unit (cents), never a float."""

    amount: Annotated[int, Meta(ge=0, le=MAX_AMOUNT, description="in minor units (cents)")]
    currency: Currency

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + other.amount, self._same(other))

    def __sub__(self, other: Money) -> Money:
        """Raises ValueError where the result would be negative."""
        if other.amount > self.amount:
            raise ValueError(f"{self} - {other} is less than nothing")
        return Money(self.amount - other.amount, self._same(other))

    def times(self, quantity: int) -> Money:
        return Money(self.amount * quantity, self.currency)

    def _same(self, other: Money) -> str:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} don't add up")
        return self.currency


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of `amounts`; nothing at all sums to zero of `currency`."""
    result = Money(0, currency)
    for amount in amounts:
        result += amount
    return result
