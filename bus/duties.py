"""What a domain owes: a command at a given time, or a call to the world outside.

A duty is a row written in the transaction of the event that starts it, and deleted in the
transaction of the command that fulfils it. So it happens once, whoever crashes when.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bus.messages import Command


class Deadline(Struct, frozen=True, kw_only=True):
    """Send `command` to the domain itself at `at`, unless settled before.

    `name` is unique in the domain; a later one of the same name takes its place.
    """

    name: str
    at: datetime
    command: Command


class Call(Struct, frozen=True, kw_only=True):
    """Ask the world outside, now, until it has answered.

    `request` is a tagged struct for the domain's outside adapter, which turns the answer
    into a command. The id of the event that started the call is its idempotency key.
    """

    name: str
    request: Struct


class Settled(Struct, frozen=True, kw_only=True):
    """The duty `name` is no longer owed (it may be gone already)."""

    name: str


Duty = Deadline | Call | Settled
