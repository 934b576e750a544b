"""Books that differ: going on would be a guess."""

from __future__ import annotations


class Halt(Exception):
    """A person must decide. What raised it has stopped; the message says what to do."""
