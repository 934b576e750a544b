"""Events that nobody has decided."""

from __future__ import annotations

from datetime import datetime

from bus import envelope
from bus.clock import uuid7
from bus.contract import Contract
from bus.envelope import Key
from bus.messages import Event, tag
from bus.store.port import Append, NewEvent


def forged(
    contract: Contract,
    key: Key,
    version: int,
    *events: Event,
    time: datetime,
    caused_by: str = "",
) -> Append:
    """What is to be appended behind `version` of the aggregate, as its domain would write it."""
    new = []
    for number, event in enumerate(events, version + 1):
        name, id = tag(type(event)), uuid7()
        body = envelope.encode(
            event=event,
            event_id=id,
            domain=contract.domain,
            key=key,
            version=number,
            dataversion=contract.dataversion(name),
            time=time,
            correlation_id=id,
            causation_id=caused_by or id,
        )
        new.append(NewEvent(id, key, number, name, body))
    return Append(expected={key: version}, events=new)
