"""Which workers share a view's partitions, and who folds which.

Each worker says every half second that it is there; whoever is not heard of for two seconds has
gone, and the others share its partitions. Nothing that is written rests on this: what two of them
fold at once, while they don't agree yet, is written by one (`ViewStore.write`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import blake2b

import msgspec
import structlog
from msgspec import Struct

from bus import subjects
from bus.backoff import Backoff
from bus.broker.port import Broker, BrokerUnavailable, Request, Serving
from bus.clock import Clock, uuid7
from bus.view import View

BEAT = 0.5
"""Seconds between two signs of life."""
GONE = timedelta(seconds=2)
"""Without a sign of life for so long a worker has gone."""

log = structlog.get_logger()


class Said(Struct, frozen=True):
    """A sign of life, or, where it `leaves`, the last one."""

    worker: str
    leaves: bool = False


_said = msgspec.json.Decoder(Said)


class Members:
    """This worker among those of `view`."""

    def __init__(self, view: View, broker: Broker, clock: Clock) -> None:
        self._id = uuid7()
        self._subject = subjects.workers(view.name)
        self._count = view.partitions
        self._broker = broker
        self._clock = clock
        self._heard: dict[str, datetime] = {}

    @property
    def own(self) -> frozenset[int]:
        """The partitions that fall to this worker now."""
        since = self._clock.now() - GONE
        self._heard = {worker: at for worker, at in self._heard.items() if at >= since}
        shared = shared_out({self._id, *self._heard}, self._count)
        return frozenset(number for number, worker in enumerate(shared) if worker == self._id)

    async def run(self) -> None:
        """Goes on for ever, through outages."""
        serving = await self._subscribed()
        try:
            while True:
                await self._say(Said(self._id))
                await self._clock.sleep(BEAT)
        finally:
            await serving.stop()

    async def leave(self) -> None:
        """The others share its partitions at once."""
        await self._say(Said(self._id, leaves=True))

    async def _subscribed(self) -> Serving:
        backoff = Backoff(self._clock)
        while True:
            try:
                return await self._broker.subscribe(self._subject, self._hear)
            except BrokerUnavailable as error:
                log.debug("hears nobody", subject=self._subject, reason=str(error))
                await backoff.pause()

    def _hear(self, request: Request) -> None:
        with suppress(msgspec.MsgspecError):  # anybody may publish anything there
            said = _said.decode(request.body)
            if said.leaves:
                self._heard.pop(said.worker, None)
            else:
                self._heard[said.worker] = self._clock.now()

    async def _say(self, said: Said) -> None:
        try:
            await self._broker.publish(self._subject, msgspec.json.encode(said))
        except BrokerUnavailable as error:
            log.debug("not heard", subject=self._subject, reason=str(error))


def shared_out(workers: Collection[str], count: int) -> Sequence[str]:
    """Who folds each of `count` partitions: as many each, give or take one, whoever works it out;
    and when one comes or goes, most stay where they are (rendezvous hashing, with a bound)."""
    least, more = divmod(count, len(workers))
    loads = dict.fromkeys(workers, 0)
    found = []
    for number in range(count):
        full = least + (1 if more > 0 else 0)
        worker = max((w for w in workers if loads[w] < full), key=lambda w: _weight(w, number))
        loads[worker] += 1
        more -= loads[worker] > least
        found.append(worker)
    return found


def _weight(worker: str, number: int) -> bytes:
    return blake2b(f"{worker} {number}".encode(), digest_size=8).digest()
