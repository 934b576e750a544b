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
from bus.halt import Halt
from bus.owner import Delivered, Owner, OwnerSilent, identify
from bus.store.port import Checkpoint

PAGE = 500
"""Events asked for at once, where the owner's log has to help out."""

log = structlog.get_logger()


class RestoredBackup(Halt):
    """The event at a reader's checkpoint is not the one that it has read there."""

    def __init__(self, contract: Contract, position: int, read: str, found: str) -> None:
        there = f"is event {found} now" if found else "there is none now"
        super().__init__(
            f"Position {position} of stream {contract.stream} was event {read} when it was read, "
            f"and {there}. {contract.domain}'s store was restored from a backup, or this "
            f"reader's own was. Nothing more is read. Restore the backups that belong together, "
            f"or run: trueup repair {contract.domain}"
        )
        self.position = position


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
        self._batch = batch
        self._clock = clock or SystemClock()
        self.holes = 0

    async def follow(self, checkpoint: Checkpoint) -> AsyncGenerator[Sequence[Delivered], None]:
        """Contiguous batches from behind `checkpoint` on, for ever.

        An empty batch means: caught up with the stream for now. What the stream lacks comes
        from the owner's log; while the owner is down, it is waited for, never skipped.
        Raises RestoredBackup where the checkpoint's event is not what it was.
        """
        place = _Place(checkpoint)
        backoff = Backoff(self._clock, most=2.0)
        while True:
            # Whoever lost a stream may have restored the store, too: so it is compared
            # whenever reading starts again.
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

    async def _streamed(
        self, place: _Place, backoff: Backoff
    ) -> AsyncGenerator[Sequence[Delivered], None]:
        source = self._broker.read_stream(self._contract.domain, place.position, self._batch)
        async with aclosing(source) as batches:  # type: ignore[type-var]
            async for batch in batches:
                run: list[Delivered] = []
                for message in batch:
                    if message.sequence <= place.position:
                        self._repeated(place, message)
                        continue
                    if message.sequence > place.position + 1:
                        if run:
                            yield run
                            run = []
                        filling = self._filled(place, message.sequence - 1, backoff)
                        async with aclosing(filling) as pages:
                            async for page in pages:
                                yield page
                    event = _delivered(message)
                    place.move(event)
                    run.append(event)
                if run or not batch:
                    yield run

    def _repeated(self, place: _Place, message: StreamMessage) -> None:
        """A stream that lost its tail, or was made again, starts over before our place."""
        if message.sequence == place.position:
            self._same(place, identify(message.body).id)

    async def _filled(
        self, place: _Place, until: int, backoff: Backoff
    ) -> AsyncGenerator[Sequence[Delivered], None]:
        """The events up to `until` from the owner's log."""
        state = await self._broker.stream_state(self._contract.domain)
        lost = until - max(place.position, state.first - 1)
        if lost > 0:
            await self._report(until - lost + 1, lost)
        while place.position < until:
            try:
                page, _ = await self._owner().read(
                    place.position, min(PAGE, until - place.position)
                )
            except OwnerSilent as silent:
                log.warning("hole not filled yet", reason=str(silent))
                page = ()
            if page:
                place.move(page[-1])
                yield page
            else:
                await backoff.pause()

    async def _report(self, position: int, count: int) -> None:
        """The relay makes the stream whole again; should it miss this, others will tell it."""
        self.holes += count
        log.warning("hole in stream", stream=self._contract.stream, position=position, events=count)
        body = msgspec.json.encode({"position": position})
        await self._broker.publish(subjects.hole(self._contract.domain), body)

    async def _logged(self, place: _Place) -> AsyncGenerator[Sequence[Delivered], None]:
        """All that the owner has, while there is no stream."""
        try:
            while page := (await self._owner().read(place.position, PAGE))[0]:
                place.move(page[-1])
                yield page
            yield ()
        except OwnerSilent as silent:
            log.debug("no stream", stream=self._contract.stream, reason=str(silent))

    async def _compare(self, place: _Place, backoff: Backoff) -> None:
        if place.position == 0:
            return
        while True:
            try:
                self._same(place, await self._id_at(place.position))
                return
            except (OwnerSilent, BrokerUnavailable) as error:
                log.debug("checkpoint not compared yet", reason=str(error))
                await backoff.pause()

    async def _id_at(self, position: int) -> str | None:
        """The id of the event at `position` of stream or log, None where there is none."""
        try:
            body = await self._broker.stream_get(self._contract.domain, position)
        except StreamMissing:
            body = None
        if body is None:
            page, _ = await self._owner().read(position - 1, 1)
            body = page[0].body if page else None
        return None if body is None else identify(body).id

    def _same(self, place: _Place, found: str | None) -> None:
        if found != place.event_id:
            raise RestoredBackup(self._contract, place.position, place.event_id, found or "")

    def _owner(self) -> Owner:
        return Owner(self._broker, self._contract)


class _Place:
    """How far a reader is. The event's id is only looked for when it is asked for."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.position = checkpoint.position
        self._event_id = checkpoint.event_id
        self._body: bytes | None = None

    def move(self, event: Delivered) -> None:
        self.position = event.position
        self._body = event.body

    @property
    def event_id(self) -> str:
        return self._event_id if self._body is None else identify(self._body).id


def _delivered(message: StreamMessage) -> Delivered:
    return Delivered(message.sequence, message.subject.rpartition(".")[2], message.body)
