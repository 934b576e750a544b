"""Moments that a person names: where all views can be gone back to."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from scripts.commands.exits import USAGE, Exit

Moment = Mapping[str, int] | str
"""Positions, or a time as text; the view says whether it is one."""

_position = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*=\s*([0-9]{1,18})\s*")


def moment(text: str) -> Moment:
    """Of ordering=4711,payments=12; of {"ordering":4711}, as answers print it; or of a time.
    Raises Exit."""
    if text.lstrip().startswith("{"):
        try:
            return msgspec.json.decode(text, type=dict[str, int])
        except msgspec.MsgspecError as error:
            raise Exit(USAGE, f'--as-of must be like {{"ordering":4711}}: {error}.') from None
    found = [_position.fullmatch(part) for part in text.split(",")]
    if all(found):
        return {match[1]: int(match[2]) for match in found if match}
    return text


def spelled(positions: Mapping[str, int]) -> str:
    """As it can be named again."""
    return ",".join(f"{domain}={n}" for domain, n in sorted(positions.items()))
