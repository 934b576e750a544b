"""Exit codes, the same for every command, so that scripts can use them."""

from __future__ import annotations

OK = 0
REFUSED = 1
"""Refused, or differences were found."""
USAGE = 2
"""The command line or a setting is wrong."""
UNAVAILABLE = 3
"""Nothing answers, or something outside Trueup is in the way."""


class Exit(Exception):
    """Ends the command with `code`, after its message has gone to stderr."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
