"""An event on disk and on the wire: CloudEvents 1.0, JSON, structured mode.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md

The text is made once, at the append. The same bytes are stored, hashed and published.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Raw, Struct

from bus.messages import Event, tag

E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)

MEDIA_TYPE = "application/cloudevents+json"
TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What a correlation or command id from outside must look like to be taken."""


class Key(NamedTuple):
    """Names one aggregate of a domain: its kind and its id."""

    aggregate: str
    id: str


class Attributes(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What CloudEvents and Trueup say of every event; `subject` is `<aggregate>/<id>`."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    version: int
    dataversion: int
    correlationid: str
    causationid: str


class Envelope(Attributes, frozen=True, kw_only=True, omit_defaults=True):
    """An event as Trueup writes it; `data` is left as it is."""

    traceparent: str | None = None
    data: Raw


class Recorded(Struct, Generic[E_co], frozen=True, kw_only=True, gc=False):
    """An event as folds, reactions and readers get it."""

    domain: str
    position: int
    event_id: str
    aggregate: str
    id: str
    version: int
    type: str
    time: datetime
    correlation_id: str
    causation_id: str
    data: E_co

    @property
    def key(self) -> Key:
        return Key(self.aggregate, self.id)


class _Written(Attributes, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An envelope before it is encoded: the same attributes in the same order."""

    traceparent: str | None = None
    data: Event


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)


def encode(
    *,
    event: Event,
    event_id: str,
    domain: str,
    key: Key,
    version: int,
    dataversion: int,
    time: datetime,
    correlation_id: str,
    causation_id: str,
    traceparent: str | None = None,
) -> bytes:
    """The bytes of `event`, the `version`-th of its aggregate. UTF-8, no line breaks."""
    return _encoder.encode(
        _Written(
            specversion="1.0",
            id=event_id,
            source=domain,
            type=tag(type(event)),
            subject=f"{key.aggregate}/{key.id}",
            time=time,
            version=version,
            dataversion=dataversion,
            correlationid=correlation_id,
            causationid=causation_id,
            traceparent=traceparent,
            data=event,
        )
    )


def decode(body: bytes) -> Envelope:
    """Raises msgspec.MsgspecError where `body` is no envelope."""
    return _decoder.decode(body)


def recorded(domain: str, position: int, found: Attributes, data: E) -> Recorded[E]:
    """The event at `position` of `domain`, from its envelope and its decoded data."""
    aggregate, _, id = found.subject.partition("/")
    return Recorded(
        domain=domain,
        position=position,
        event_id=found.id,
        aggregate=aggregate,
        id=id,
        version=found.version,
        type=found.type,
        time=found.time,
        correlation_id=found.correlationid,
        causation_id=found.causationid,
        data=data,
    )
