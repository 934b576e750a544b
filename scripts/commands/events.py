"""How events are shown: one line each."""

from __future__ import annotations

from typing import Any

import msgspec

from bus import envelope
from bus.messages import Event

TAG = str(Event.__struct_config__.tag_field)
SHOWN = 110
"""Characters of an event's data on a line."""


def line(body: bytes, position: int | None = None) -> str:
    """Time, domain, position, aggregate, type and the beginning of the data, with tabs."""
    event = envelope.decode(body)
    data = msgspec.json.decode(event.data)
    data.pop(TAG, None)  # said by the type
    where = str(position) if position is not None else "-"
    time = event.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return "\t".join((time, event.source, where, event.subject, event.type, _short(data)))


def as_json(body: bytes, position: int | None = None) -> str:
    """The envelope as it is, with its position where that is known."""
    if position is None:
        return body.decode()
    return f'{{"position":{position},"event":{body.decode()}}}'


def _short(data: Any) -> str:
    text = msgspec.json.encode(data).decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
