"""Trueup's whole way of a command, measured from the client's side of NATS.

A command receives a unit of stock: validated, decided, written with its group commit,
published, and answered after the commit, by a process of inventory as `trueup up` runs it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bus import envelope, subjects
from bus.broker.nats import NatsBroker
from bus.clock import uuid7
from bus.envelope import Key
from bus.store.port import Append, NewEvent
from bus.store.postgres import PostgresStore
from domains.inventory.messages import StockReceived
from scripts.bench import echo
from scripts.bench.figures import Figure, Pace
from scripts.bench.ground import DOMAIN, Ground, own, published, until
from scripts.bench.load import Task
from scripts.bench.spoken import ask

OLD = 5
"""Events of an aggregate that is not new."""
MOST = 30_000
"""Commands a second that there are ids for; ids cost nothing."""
AT_ONCE = 200
"""Aggregates that are prepared in one append."""
BODY = '{"quantity":1}'


async def measure(ground: Ground, ids: Sequence[str], pace: Pace) -> Figure:
    """A command to each of `ids`, as far as time allows."""
    subject = subjects.command(DOMAIN, "ReceiveStock", "")
    return await _load(ground, subject, ids, pace, parts=("service", "postgres", "nats"))


async def measure_pressed(
    ground: Ground, ids: Sequence[str], pace: Pace, services: Sequence[str], *, hasty: bool
) -> Figure:
    """The same with several processes, which may put senders off; `hasty` ones don't wait."""
    subject = subjects.command(DOMAIN, "ReceiveStock", "")
    parts = (*services, "postgres", "nats")
    declined = '"code":"Overloaded"'
    return await _load(ground, subject, ids, pace, parts=parts, declined=declined, hasty=hasty)


def store(ground: Ground) -> PostgresStore:
    """The domain's own, with one connection."""
    return PostgresStore(ground.database(DOMAIN), pool=1)


async def measure_echo(ground: Ground, pace: Pace) -> Figure:
    """The same load to a process that does nothing but answer: what the load can do."""
    responder = ground.start_process("echo", "scripts.bench.echo", ground.nats.url)
    assert responder.stdout
    responder.stdout.readline()
    try:
        ids = new_ids(4 * (pace.seconds + pace.warm_up))
        return await _load(ground, echo.SUBJECT, ids, pace, parts=("echo", "nats"))
    finally:
        ground.end("echo")


def new_ids(seconds: float) -> Sequence[str]:
    run = secrets.token_hex(4)
    return [f"bench-{run}-{number}" for number in range(int(seconds * MOST))]


async def prepared_ids(ground: Ground, count: int) -> Sequence[str]:
    """Aggregates with five events each, which the service has never seen. Returns when
    their events are in the stream as well."""
    ids = [f"old-{secrets.token_hex(4)}-{number}" for number in range(count)]
    own_store = store(ground)
    await own_store.open()
    try:
        for start in range(0, count, AT_ONCE):
            await own_store.append(Append(events=list(_history(ids[start : start + AT_ONCE]))))
        await _relayed(ground, (await own_store.head()).position)
    finally:
        await own_store.close()
    return ids


def _history(ids: Sequence[str]) -> Iterator[NewEvent]:
    now = datetime.now(UTC)
    for id in ids:
        for version in range(1, OLD + 1):
            event_id, key = uuid7(), Key("stock", id)
            body = envelope.encode(
                event=StockReceived(quantity=1, note=""),
                event_id=event_id,
                domain=DOMAIN,
                key=key,
                version=version,
                dataversion=1,
                time=now,
                correlation_id=event_id,
                causation_id=event_id,
            )
            yield NewEvent(event_id, key, version, "StockReceived", body)


async def _relayed(ground: Ground, position: int) -> None:
    async def there(broker: NatsBroker) -> bool:
        await broker.publish(subjects.hint(DOMAIN), b"")
        return (await published(broker) or 0) >= position

    await until(ground.nats.url, there)


async def _load(
    ground: Ground,
    subject: str,
    ids: Sequence[str],
    pace: Pace,
    *,
    parts: Sequence[str],
    declined: str = "",
    hasty: bool = False,
) -> Figure:
    expected = '{"status":"accepted"'
    task = Task(
        ground.nats.url, subject, ids, BODY, *pace, expected, declined=declined, hasty=hasty
    )
    processes = ground.processes()
    return await ask("scripts.bench.load", task, {part: processes[part] for part in parts}, own())
