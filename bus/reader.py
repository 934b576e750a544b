"""Follows a domain's stream in order and without gaps, whatever the stream has lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec
import structlog

from bus import subjects
from bus.backoff import Backoff
from bus.broker.port import Broker, BrokerUnavailable, StreamMessage, StreamMissing
from bus.clock import Clock, SystemClock
from bus.contract import Contract
from bus.owner import Delivered, Owner, OwnerSilent
from bus.place import Place, RestoredBackup
from bus.store.port import Checkpoint

__all__ = ["Delivered", "Reader", "RestoredBackup"]

PAGE = 500
"""Events asked for at once, where the owner's log has to help out."""

log = structlog.get_logger()

Batches = AsyncGenerator[Sequence[Delivered], None]


class Reader:
    """Reads the stream of `contract`'s domain whole, in batches of at most `batch` events.

    `holes` counts the events that the stream should have had and the owner's log gave.
    """

    def __init__(
        self,
        broker: Broker,
        contract: Contract,
        *,
        batch: int = 1000,
        clock: Clock | None = None,
    ) -> None:
        self._broker = broker
        self._contract = contract
        self._owner = Owner(broker, contract)
        self._batch = batch
        self._clock = clock or SystemClock()
        self.holes = 0

    async def follow(self, checkpoint: Checkpoint) -> Batches:
        """Contiguous batches from behind `checkpoint` on, for ever.

        An empty batch means: caught up with the stream for now. What the stream lacks comes
        from the owner's log; while the owner is down, it is waited for, never skipped.
        Raises RestoredBackup where the checkpoint's event is not what it was.
        """
        place = Place(self._contract, checkpoint)
        backoff = Backoff(self._clock, most=2.0)
        while True:
            # Whoever lost a stream may have restored the store, too: so the place is
            # compared whenever reading starts again.
            await self._compare(place, backoff)
            try:
                async with aclosing(self._streamed(place, backoff)) as batches:
                    async for batch in batches:
                        backoff.reset()
                        yield batch
            except StreamMissing:
                await self._compare(place, backoff)
                async with aclosing(self._logged(place)) as batches:
                    async for batch in batches:
                        yield batch
            except BrokerUnavailable as error:
                log.debug("stream not read", stream=self._contract.stream, reason=str(error))
            await backoff.pause()

    async def _streamed(self, place: Place, backoff: Backoff) -> Batches:
        source = self._broker.read_stream(self._contract.domain, place.position, self._batch)
        async with aclosing(source) as batches:  # type: ignore[type-var]
            async for batch in batches:
                run: list[Delivered] = []
                for message in batch:
                    if message.sequence > place.position + 1:
                        if run:
                            yield run
                            run = []
                        filling = self._filled(place, message.sequence - 1, backoff)
                        async with aclosing(filling) as pages:
                            async for page in pages:
                                yield page
                    run.append(_delivered(message))
                    place.move(run[-1])
                if run or not batch:
                    yield run

    async def _filled(self, place: Place, until: int, backoff: Backoff) -> Batches:
        """The events up to `until` from the owner's log: trimmed, or lost by the stream."""
        state = await self._broker.stream_state(self._contract.domain)
        lost = until - max(place.position, state.first - 1)
        if lost > 0:
            await self._report(until - lost + 1, lost)
        while place.position < until:
            try:
                most = min(PAGE, until - place.position)
                page, _ = await self._owner.read(place.position, most)
            except OwnerSilent as silent:
                log.warning("hole not filled yet", reason=str(silent))
                page = ()
            for event in page:
                place.move(event)
            if page:
                yield page
            else:
                await backoff.pause()

    async def _report(self, position: int, count: int) -> None:
        """The relay makes the stream whole again. Should it miss this, another reader, or
        this one at its next start, meets the hole again."""
        self.holes += count
        stream = self._contract.stream
        log.warning("hole in stream", stream=stream, position=position, events=count)
        body = msgspec.json.encode({"position": position})
        await self._broker.publish(subjects.hole(self._contract.domain), body)

    async def _logged(self, place: Place) -> Batches:
        """All that the owner has, while there is no stream."""
        try:
            while page := (await self._owner.read(place.position, PAGE))[0]:
                for event in page:
                    place.move(event)
                yield page
            yield ()
        except OwnerSilent as silent:
            log.debug("no stream", stream=self._contract.stream, reason=str(silent))

    async def _compare(self, place: Place, backoff: Backoff) -> None:
        while True:
            try:
                await place.compare(self._broker, self._owner)
                return
            except (OwnerSilent, BrokerUnavailable) as error:
                log.debug("checkpoint not compared yet", reason=str(error))
                await backoff.pause()


def _delivered(message: StreamMessage) -> Delivered:
    return Delivered(message.sequence, message.subject.rpartition(".")[2], message.body)
