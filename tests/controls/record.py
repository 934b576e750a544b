"""Writes the golden envelope of every example that has none: `python -m tests.controls.record`.

Run it after a new event or a new dataversion has got its example. It changes no file that
is there.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bus import envelope
from bus.contract import Contract
from bus.envelope import Key
from bus.messages import Event, tag
from tests.controls.examples import (
    catalog,
    inventory,
    ordering,
    past,
    payments,
    reconciliation,
    shipping,
)

FOLDER = Path(__file__).parent / "events"
EXAMPLES: Sequence[tuple[Contract, Sequence[tuple[str, Event]]]] = [
    (domain.CONTRACT, [*domain.EVENTS, *past.EVENTS.get(domain.CONTRACT.domain, ())])
    for domain in (catalog, inventory, ordering, payments, reconciliation, shipping)
]
FIRST = datetime(2026, 1, 5, 9, 30, 0, 123456, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def file_of(contract: Contract, event_type: str) -> Path:
    """Where the golden envelope of an event's current dataversion is."""
    version = contract.dataversion(event_type)
    return FOLDER / contract.domain / f"{event_type}.{version}.json"


def golden(contract: Contract, events: Sequence[tuple[str, Event]]) -> Iterator[tuple[Path, bytes]]:
    for number, (id, event) in enumerate(events, 1):
        name = tag(type(event))
        aggregate = next(kind for kind, types in contract.events.items() if type(event) in types)
        body = envelope.encode(
            event=event,
            event_id=f"019b8d0f-0000-7000-8000-{number:012x}",
            domain=contract.domain,
            key=Key(aggregate, id),
            version=number,
            dataversion=contract.dataversion(name),
            time=FIRST + timedelta(seconds=number),
            correlation_id="c0ffee",
            causation_id=f"{contract.domain}:{number}",
            traceparent=TRACE if number % 2 else None,
        )
        yield file_of(contract, name), body


if __name__ == "__main__":
    for contract, events in EXAMPLES:
        for file, body in golden(contract, events):
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(body)
                print(f"written: {file.relative_to(FOLDER)}")
