"""What is asked, taken from a request's body."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from bus import replies
from bus.intake import Invalid

_field = re.compile(r"field `([^`]+)`|at `\$\.([a-z_]+)")

T = TypeVar("T")


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """An empty body is `{}`. Raises Invalid, which names the field and the rule."""
    try:
        return decoder.decode(body or b"{}")
    except msgspec.ValidationError as error:
        match = _field.search(str(error))
        details = {"field": match[1] or match[2]} if match else {}
        raise Invalid(replies.invalid("InvalidBody", str(error), **details)) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(replies.invalid("MalformedJson", f"the body: {error}")) from error
