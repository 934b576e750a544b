"""Events of the `eventsourcing` library in our store: CloudEvents whose data is not ours.

The state, which may be compressed or encrypted, is `data_base64`; its topic is the type.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from eventsourcing.persistence import Notification
from eventsourcing.persistence import StoredEvent as ForeignEvent
from msgspec import Struct

from bus.clock import uuid7
from bus.envelope import Key
from bus.store.port import NewEvent, StoredEvent

_BY_UUID, _BY_NAME = "uuid", "name"
"""The kinds of aggregates, so that an id comes back as the type it had."""


class ForeignEnvelope(Struct, frozen=True, kw_only=True):
    """https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md"""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    version: int
    data_base64: bytes


_decoder = msgspec.json.Decoder(ForeignEnvelope)


def key_of(originator_id: UUID | str) -> Key:
    kind = _BY_UUID if isinstance(originator_id, UUID) else _BY_NAME
    return Key(kind, str(originator_id))


def to_ours(event: ForeignEvent, source: str) -> NewEvent:
    """`source` is the application's name."""
    event_id, key = uuid7(), key_of(event.originator_id)
    envelope = ForeignEnvelope(
        specversion="1.0",
        id=event_id,
        source=source,
        type=event.topic,
        subject=f"{key.aggregate}/{key.id}",
        time=datetime.now(UTC),
        version=event.originator_version,
        data_base64=event.state,
    )
    body = msgspec.json.encode(envelope)
    return NewEvent(event_id, key, event.originator_version, event.topic, body)


def to_theirs(stored: StoredEvent) -> ForeignEvent:
    return ForeignEvent(
        originator_id=_originator_id(stored.key),
        originator_version=stored.version,
        topic=stored.type,
        state=_decoder.decode(stored.body).data_base64,
    )


def to_notification(stored: StoredEvent) -> Notification:
    return Notification(
        id=stored.position,
        originator_id=_originator_id(stored.key),
        originator_version=stored.version,
        topic=stored.type,
        state=_decoder.decode(stored.body).data_base64,
    )


def _originator_id(key: Key) -> UUID | str:
    return UUID(key.id) if key.aggregate == _BY_UUID else key.id
