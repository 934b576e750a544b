"""How often Python looks for cycles among what has been made."""

from __future__ import annotations

import gc

YOUNG = 20_000
"""Objects that are made, and not freed, before the young ones are looked through."""
WHOLE_STEPS = 2_000_000
"""The same, for who holds all that belongs to tens of thousands of events at once."""


def settle(young: int = YOUNG) -> None:
    """What has been set up stays, so that nobody looks through it for cycles again; and as a
    message leaves none behind, what is younger is looked through less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, 20, 20)
