"""The stored form of an answer: what a receipt gives to whoever sends the command again."""

from __future__ import annotations

from typing import Any, assert_never

import msgspec
from msgspec import Struct

from bus.decider import Refused, Unknown
from bus.envelope import Key
from bus.work import Accepted, TurnedDown, Written


class _Accepted(Struct, tag="accepted", tag_field="status"):
    version: int
    events: list[tuple[str, str, str, int]]


class _Refused(Struct, tag="refused", tag_field="status"):
    code: str
    message: str
    details: dict[str, Any]


class _Unknown(_Refused, tag="unknown", tag_field="status"):
    pass


_decoder = msgspec.json.Decoder(_Accepted | _Refused | _Unknown)


def encode(outcome: Accepted | TurnedDown) -> bytes:
    if isinstance(outcome, Accepted):
        events = [(w.key.aggregate, w.key.id, w.type, w.version) for w in outcome.events]
        return msgspec.json.encode(_Accepted(outcome.version, events))
    refusal = outcome.refusal
    shape = _Unknown if isinstance(refusal, Unknown) else _Refused
    return msgspec.json.encode(shape(refusal.code, refusal.message, refusal.details))


def decode(answer: bytes, position: int) -> Accepted | TurnedDown:
    """The outcome as it was, marked as replayed."""
    stored = _decoder.decode(answer)
    match stored:
        case _Accepted(version=version, events=events):
            written = [Written(Key(kind, id), type, v) for kind, id, type, v in events]
            return Accepted(written, version, position, replayed=True)
        case _Unknown(code=code, message=message, details=details):
            return TurnedDown(Unknown(code, message, **details), position, replayed=True)
        case _Refused(code=code, message=message, details=details):
            return TurnedDown(Refused(code, message, **details), position, replayed=True)
        case _:
            assert_never(stored)
