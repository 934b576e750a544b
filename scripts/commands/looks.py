"""What `trueup status` finds out, part by part. What does not answer is shown, not raised."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders, StreamMissing
from scripts.commands.following import readers
from scripts.commands.mesh import contracts, settings
from scripts.supervisor import discovery, health
from scripts.supervisor.home import Home, ProcessState
from scripts.told import head, told

Rows = list[dict[str, Any]]


async def look(broker: Broker) -> dict[str, Rows]:
    """Everything, by title."""
    client = await health.connected(settings().nats_url)
    try:
        answering = await health.answering(client)
        by_service = await told(partial(health.gathered, client), answering)
    finally:
        await client.close()
    said = [status for statuses in by_service.values() for status in statuses]
    return {
        "processes": _processes(answering),
        "streams": [await _stream(broker, domain) for domain in contracts()],
        "readers": readers(said, {domain: await head(broker, domain) for domain in contracts()}),
        "parked": [row for name in _owners(answering) for row in await _parked(broker, name)],
        "problems": [
            {"service": s.service, "pid": s.pid, "what": what, "problem": problem}
            for s in said
            for what, problem in s.problems.items()
        ],
        "breakers": [
            {"service": s.service, "pid": s.pid, "breaker": s.breaker} for s in said if s.breaker
        ],
    }


def trouble(found: Mapping[str, Rows]) -> bool:
    """Whether a person should look."""
    silent = any(row["answers"] == 0 for row in found["processes"])
    open_breaker = any(row["breaker"] != "closed" for row in found["breakers"])
    stalled = any(row["stalled"] for row in found["readers"])
    return bool(silent or open_breaker or stalled or found["parked"] or found["problems"])


def _processes(answering: Counter[str]) -> Rows:
    """By service: those that should run here, and whoever answers from elsewhere."""
    run = Home(settings().home).run()
    local = run.processes if run is not None and run.alive else []
    rows = [_process(state, answering) for state in local]
    known = {_service(state) for state in local}
    expected = {*discovery.domains(), *(f"view-{name}" for name in discovery.views())}
    return rows + [
        {**_NOBODY, "name": name, "answers": answering[name]} for name in sorted(expected - known)
    ]


_NOBODY = {"name": "", "kind": "", "state": None, "pid": None, "up": None, "restarts": None}


def _process(state: ProcessState, answering: Counter[str]) -> dict[str, Any]:
    up = _duration(time.time() - state.since) if state.state == "running" else None
    asked = state.kind in ("domain", "view")
    return {
        "name": state.name,
        "kind": state.kind,
        "state": state.state,
        "pid": state.pid,
        "up": up,
        "restarts": state.restarts,
        "answers": answering[_service(state)] if asked else None,
    }


def _service(state: ProcessState) -> str:
    return state.name.rsplit("-", 1)[0] if state.name.rpartition("-")[2].isdecimal() else state.name


async def _stream(broker: Broker, domain: str) -> dict[str, Any]:
    last_stored = await head(broker, domain)
    first: int | None = None
    last: int | None = None
    with suppress(StreamMissing):
        first, last, _ = await broker.stream_state(domain)
    behind = None if last_stored is None or last is None else last_stored - last
    return {
        "domain": domain,
        "stream": domain.upper(),
        "store": last_stored,
        "first": first,
        "last": last,
        "behind": behind,
    }


def _owners(answering: Counter[str]) -> list[str]:
    """Domains and views, by the names under which they park."""
    domains = [name for name in answering if name in contracts()]
    views = [name.removeprefix("view-") for name in answering if name.startswith("view-")]
    return sorted(domains) + sorted(views)


async def _parked(broker: Broker, owner: str) -> Rows:
    try:
        reply = await broker.request(subjects.parked_list(owner))
        rows = msgspec.json.decode(reply.body)["parked"]
    except (NoResponders, BrokerUnavailable, KeyError):
        return []
    keys = {(row["reader"], row["key"]) for row in rows}
    return [{"owner": owner, "keys": len(keys), "events": len(rows)}] if rows else []


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
