"""A domain's answers to another one's events: exactly once in their effect.

What a reaction commands is written in the same transaction that moves the domain's place
in the upstream. An event that can't be taken parks its key: that key alone, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import structlog

from bus.backoff import Backoff
from bus.broker.port import Broker
from bus.clock import Clock, SystemClock
from bus.committer import Committer
from bus.decider import Domain, Reaction
from bus.owner import Delivered
from bus.pace import Pace
from bus.parked import Retried
from bus.reacting import Intent, Passage, Underway, intend
from bus.reader import Reader
from bus.retrying import Retrying
from bus.store.port import Checkpoint, Store, StoreUnavailable
from bus.work import Accepted, Failed, Outcome, TooLarge, TurnedDown

log = structlog.get_logger()


class _StartAgain(Exception):
    """Another process has moved the place, or the store was away: it knows where we are."""


class Reactions:
    """Reacts to one upstream. Only one process of a domain at a time gets anywhere.

    `position` is the last event that was settled, `pace` how fast that goes, `parked` counts
    those that were parked here, `refused` those of whose commands the domain turned one down.
    """

    def __init__(
        self,
        domain: Domain,
        reaction: Reaction,
        store: Store,
        broker: Broker,
        committer: Committer,
        *,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self.upstream = reaction.upstream.domain
        self.name = f"{domain.name}/{self.upstream}"
        self._reaction = reaction
        self._store = store
        self._committer = committer
        self._reader = Reader(broker, reaction.upstream, clock=clock)
        self._backoff = Backoff(clock)
        self._retrying = Retrying(self.name, reaction, store, committer)
        self._turn = asyncio.Lock()  # a retry and new events of its key must not mix
        self._keys: set[str] = set()
        self._unwritable = 0
        self.position = 0
        self.pace = Pace(clock)
        self.parked = 0
        self.refused = 0

    async def run(self) -> None:
        """Reacts until cancelled. Raises RestoredBackup."""
        while True:
            try:
                await self._follow()
            except (_StartAgain, StoreUnavailable) as reason:
                log.info("reactions start again", reader=self.name, reason=str(reason))
                await self._backoff.pause()

    async def retry(self, key: str | None = None) -> Retried:
        """Takes parked events again, in order; a key's first failure leaves the rest of it.

        Raises StoreUnavailable.
        """
        async with self._turn:
            result = await self._retrying.retry(key)
            await self._learn_parked()
        return result

    async def _follow(self) -> None:
        place = await self._store.checkpoint(self.upstream)
        self.position = place.position
        self.pace.begin(self.position)
        await self._learn_parked()
        async with aclosing(self._reader.follow(place)) as batches:
            async for batch in batches:
                async with self._turn:
                    place = await self._take(batch, place)
                self.pace.note(self.position)

    async def _learn_parked(self) -> None:
        self._keys = {row.key for row in await self._store.parked(self.name)}

    async def _take(self, batch: Sequence[Delivered], place: Checkpoint) -> Checkpoint:
        """Reacts to a batch and settles all of it. Gives the new place."""
        passage = Passage(self.name, self._reaction, place, self._committer.submit)
        try:
            quiet: Intent | None = None
            for event in batch:
                intent = intend(self._reaction, event.position, event.body)
                quiet = None if intent.commands or intent.reason else intent
                if quiet is None:
                    await self._send(passage, event, intent)
            if quiet is not None:
                passage.skip(quiet)
            while settled := await passage.settled():
                await self._settle(*settled)
        except _StartAgain:
            await passage.drain()
            raise
        return passage.place

    async def _send(self, passage: Passage, event: Delivered, intent: Intent) -> None:
        while passage.full(intent) and (settled := await passage.settled()):
            await self._settle(*settled)
        park = intent.reason
        if not park and intent.key in self._keys:
            park = "an earlier event of its key is parked"
        if not park and event.position == self._unwritable:
            park = "what it leads to could not be written"
        passage.send(event, intent, park)

    async def _settle(self, underway: Underway, outcome: Outcome) -> None:
        match outcome:
            case Accepted():
                pass
            case TurnedDown(refusal=refusal):
                self.refused += 1
                log.info(
                    "reaction turned down",
                    cause=underway.intent.cause.causation_id,
                    reason=str(refusal),
                )
            case Failed() | TooLarge():
                await self._note_parked(underway, outcome)
            case _:
                raise _StartAgain(repr(outcome))
        self.position = underway.intent.at.position
        self._backoff.reset()

    async def _note_parked(self, underway: Underway, outcome: Failed | TooLarge) -> None:
        """A failed decision has parked its event; a failed append has written nothing at all,
        so that the event is sent once more, to be parked."""
        intent = underway.intent
        if (await self._store.checkpoint(self.upstream)).position < intent.at.position:
            self._unwritable = intent.at.position
            raise _StartAgain(repr(outcome))
        self._keys.add(intent.key)
        self.parked += 1
        log.error(
            "event parked",
            reader=self.name,
            key=intent.key,
            position=intent.at.position,
            reason=intent.reason or repr(outcome),
        )
