"""How many commands a second a running mesh accepts, from a few clients and from many.

Each client sends a command, awaits its answer, and sends the next. Every command is
accepted and writes one event: stock is received for a product of its own per client.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from bus import subjects
from bus.broker.port import Broker

CLIENTS = (1, 16, 64)
WARM_UP = 1.0
"""Seconds that don't count: connections, caches, the first pages of tables."""
BODY = b'{"quantity":1}'


class Measured(NamedTuple):
    """`accepted` commands in `seconds`; latencies in milliseconds."""

    clients: int
    accepted: int
    seconds: float
    per_second: int
    median_ms: float
    p99_ms: float


class Refused(Exception):
    """A command was not accepted, so that the number would mean nothing."""


async def measure(broker: Broker, clients: int, seconds: float) -> Measured:
    """Raises Refused, and BrokerUnavailable or NoResponders where nobody answers."""
    run = secrets.token_hex(4)
    await _clients(broker, run, clients, WARM_UP)
    began = time.perf_counter()
    latencies = await _clients(broker, run, clients, seconds)
    took = time.perf_counter() - began
    ordered = sorted(latencies)
    return Measured(
        clients,
        len(ordered),
        round(took, 2),
        round(len(ordered) / took),
        round(statistics.median(ordered) * 1000, 2),
        round(ordered[int(len(ordered) * 0.99)] * 1000, 2),
    )


async def _clients(broker: Broker, run: str, clients: int, seconds: float) -> Sequence[float]:
    until = time.perf_counter() + seconds
    each = await asyncio.gather(
        *(_client(broker, f"bench-{run}-{n}", until) for n in range(clients))
    )
    return [latency for latencies in each for latency in latencies]


async def _client(broker: Broker, sku: str, until: float) -> Sequence[float]:
    latencies = []
    subject = subjects.command("inventory", "ReceiveStock", sku)
    while (begin := time.perf_counter()) < until:
        reply = await broker.request(subject, BODY)
        latencies.append(time.perf_counter() - begin)
        if "Nats-Service-Error" in reply.headers:
            raise Refused(str(msgspec.json.decode(reply.body)))
    return latencies
