"""Bytes that were written once are read for ever, and mean what they meant."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus import envelope
from bus.contract import Contract
from bus.envelope import Key
from bus.messages import tag
from tests.controls.record import EXAMPLES, FOLDER, file_of

CONTRACTS = {contract.domain: contract for contract, _ in EXAMPLES}
FILES = sorted(FOLDER.glob("*/*.json"))
EVENTS = [(c, name) for c in CONTRACTS.values() for name in c.event_types]


def without_newer(new: Any, old: Any) -> Any:
    """`new` without the fields that have been added since `old` was written."""
    if isinstance(old, dict):
        return {name: without_newer(new[name], was) for name, was in old.items() if name in new}
    if isinstance(old, list):
        return [without_newer(item, was) for item, was in zip(new, old, strict=True)]
    return new


def written_again(contract: Contract, body: bytes) -> bytes:
    found, event = envelope.decode(body), contract.decode(1, body)
    data = msgspec.json.decode(msgspec.json.encode(event.data))
    again = envelope.encode(
        event=event.data,
        event_id=event.event_id,
        domain=event.domain,
        key=Key(event.aggregate, event.id),
        version=event.version,
        dataversion=found.dataversion,
        time=event.time,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        traceparent=found.traceparent,
    )
    kept = without_newer(data, msgspec.json.decode(found.data))
    return again.replace(msgspec.json.encode(data), msgspec.json.encode(kept))


@pytest.mark.parametrize(("contract", "name"), EVENTS, ids=[name for _, name in EVENTS])
def test_every_event_has_a_golden_envelope(contract: Contract, name: str) -> None:
    assert file_of(contract, name).exists(), "run: python -m tests.controls.record"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_golden_envelope_is_read_as_the_event_that_it_was(file: Path) -> None:
    name, dataversion = file.stem.split(".")
    body = file.read_bytes()
    recorded = CONTRACTS[file.parent.name].decode(7, body)
    assert (recorded.type, tag(type(recorded.data))) == (name, name)
    assert envelope.decode(body).dataversion == int(dataversion)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_what_was_read_is_written_again_in_the_same_bytes(file: Path) -> None:
    contract = CONTRACTS[file.parent.name]
    if file == file_of(contract, file.stem.split(".")[0]):
        assert written_again(contract, file.read_bytes()) == file.read_bytes()
