"""Asks everybody, for whoever wants the page; those who come meanwhile get the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec
import structlog

from bus.broker.nats import NatsBroker
from bus.broker.port import BrokerUnavailable, NoResponders
from scripts.metrics.answers import Instance, Service
from scripts.metrics.line import Line
from scripts.told import UNREADABLE, head, told

PATIENCE = 8.0
"""Seconds for everything: Prometheus waits for ten, unless it is told otherwise."""
ANSWER = 1.0
"""Seconds for NATS to answer, and for those services that should."""
NEW = 0.25
"""Seconds in which those can answer whom nobody knows of."""

log = structlog.get_logger()


class Mesh:
    """`expected` are the services that should answer; who else does is found."""

    def __init__(self, url: str, expected: Sequence[str]) -> None:
        self._line = Line(url)
        self._expected = expected
        self._last: Counter[str] = Counter()
        self._asking: asyncio.Task[Sequence[Service] | None] | None = None
        self._away = False

    async def services(self) -> Sequence[Service] | None:
        """By name. None where NATS does not answer: then nobody can be asked."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="asking")
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        if self._asking is not None:
            await asyncio.wait({self._asking})
        await self._line.close()

    async def _ask(self) -> Sequence[Service] | None:
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._asked(await self._line.broker())
        except (BrokerUnavailable, TimeoutError) as error:
            self._heard(str(error) or "no answer in time")
            return None
        self._heard("")
        return found

    def _heard(self, trouble: str) -> None:
        """What has changed is said once, however often the page is asked for."""
        if trouble and not self._away:
            log.warning("NATS does not answer", at=self._line.where, reason=trouble)
        if self._away and not trouble:
            log.info("NATS answers again", at=self._line.where)
        self._away = bool(trouble)

    async def _asked(self, broker: NatsBroker) -> Sequence[Service]:
        before = await _connections(broker)
        instances = await self._instances(broker)
        many = Counter(one.name for one in instances)
        said, heads = await asyncio.gather(told(broker.gather, many), _heads(broker, many))
        if await _connections(broker) != before:
            raise BrokerUnavailable("the connection broke before everybody had answered")
        self._last = many
        # Others may run services of their own there, which know nothing of all this.
        names = {*self._expected, *(name for name, statuses in said.items() if statuses)}

        def of(name: str) -> Service:
            answered = [one for one in instances if one.name == name]
            return Service(name, answered, said.get(name, ()), heads.get(name))

        return [of(name) for name in sorted(names)]

    async def _instances(self, broker: NatsBroker) -> Sequence[Instance]:
        """Those who should answer, or have lately, are waited for longer than new ones."""
        known = Counter(self._expected) | self._last

        def complete(bodies: Sequence[bytes]) -> bool:
            return known <= Counter(one.name for one in _decoded(bodies))

        return _decoded(await broker.gather("$SRV.STATS", ANSWER, complete, least=NEW))


async def _connections(broker: NatsBroker) -> int:
    """How many there have been, once the server has shown that there is one. Raises
    BrokerUnavailable."""
    with suppress(NoResponders):  # only the server can say so
        await broker.request("nobody.serves.this", timeout=ANSWER)
    return broker.reconnects


async def _heads(broker: NatsBroker, services: Iterable[str]) -> Mapping[str, int | None]:
    domains = [name for name in services if not name.startswith("view-")]
    found = await asyncio.gather(*(head(broker, domain, ANSWER) for domain in domains))
    return dict(zip(domains, found, strict=True))


def _decoded(bodies: Sequence[bytes]) -> Sequence[Instance]:
    found = []
    for body in bodies:
        try:
            found.append(msgspec.json.decode(body, type=Instance))
        except UNREADABLE:
            continue  # a service of somebody else's
    return found
