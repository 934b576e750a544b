"""Books that differ: going on would be a guess."""

from __future__ import annotations


class Halt(Exception):
    """A person must decide. What raised it has stopped; the message says what to do."""


class OwnBooksDiffer(Halt):
    """It is the domain's own store that differs: nothing more may be recorded in it."""
