"""What an event's causation id says: the event or the command that has caused it."""

from __future__ import annotations

import re

LONGEST_POSITION = 18
"""Digits."""

_names_an_event = re.compile(
    r"[a-z][a-z0-9_]*:(?:[0-9]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


def caused_by_command(command_id: str) -> str:
    """The causation id of what a command leads to: the command's id, marked where it could be
    taken for an event's, as a sender may choose `ordering:12`."""
    return f"command:{command_id}" if _names_an_event.fullmatch(command_id) else command_id


def causing_event(causation_id: str) -> tuple[str, int] | None:
    """Domain and position of the event that a causation id names; None where it names a
    command, or a duty of the same domain."""
    domain, _, number = causation_id.partition(":")
    if not (number.isdecimal() and len(number) <= LONGEST_POSITION):
        return None
    return domain, int(number)
