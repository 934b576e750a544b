"""Asks the world outside, because an event of the domain's own says so, until it answers."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, Union

import msgspec
import structlog
from msgspec import Struct

from bus.agenda import LOOK, Agenda
from bus.backoff import Backoff
from bus.clock import Clock
from bus.committer import Committer
from bus.decider import Domain
from bus.guard import BreakerOpen, BreakerState, Guard, OutsideUnavailable
from bus.messages import Command
from bus.store.port import DutyRow, Fired, Store, StoreUnavailable
from bus.tasks import end
from bus.work import Accepted, Cause, Outcome, Postponed, Superseded, TurnedDown, Work

__all__ = ["Calls", "Later", "Outside", "OutsideUnavailable"]

SOONEST, LATEST = 0.1, 86_400.0
"""Seconds between which a `Later` is taken at its word."""

log = structlog.get_logger()


class Later(Struct, frozen=True):
    """The world has not decided yet: ask again in `seconds`."""

    seconds: float


class Outside(Protocol):
    """An adapter to something that is not ours. It only asks: retries, the breaker and the
    repetition of what was lost are `Calls`' business."""

    @property
    def requests(self) -> tuple[type[Struct], ...]:
        """The tagged structs that it takes."""

    async def __call__(self, request: Any, idempotency_key: str) -> Command | Later:
        """The answer as a command to the domain itself. The same key must have its effect
        only once. Raises OutsideUnavailable."""

    async def close(self) -> None:
        """Lets go of connections; harmless when repeated."""


class Calls:
    """Makes the domain's calls, at most `concurrency` at a time, one at a time for each.

    A call that failed is made again, 1 s to 1 h later; its idempotency key is the id of
    the event that started it. While the breaker is open nothing is called at all.
    """

    def __init__(
        self,
        domain: Domain,
        store: Store,
        committer: Committer,
        clock: Clock,
        outside: Outside,
        *,
        concurrency: int = 64,
    ) -> None:
        self._domain = domain
        self._committer = committer
        self._clock = clock
        self._outside = outside
        self._concurrency = concurrency
        self._guard = Guard(clock)
        self._agenda = Agenda(store, committer, clock, "call")
        self._calling: dict[str, asyncio.Task[None]] = {}
        self._more = False
        self._decoder: Any = msgspec.json.Decoder(Union[outside.requests])  # noqa: UP007

    @property
    def breaker_state(self) -> BreakerState:
        return self._guard.state

    @property
    def in_flight(self) -> int:
        """Calls that are being made, or whose answers are being recorded."""
        return len(self._calling)

    @property
    def idle(self) -> bool:
        """Nothing is being called, nor looked for."""
        return self._agenda.resting and not self._calling

    async def run(self) -> None:
        """Calls what is due until cancelled."""
        backoff = Backoff(self._clock)
        try:
            while True:
                try:
                    await self._start()
                    backoff.reset()
                    await self._wait()
                except StoreUnavailable as error:
                    log.warning("calls wait", domain=self._domain.name, reason=str(error))
                    await backoff.pause()
        finally:
            await end(list(self._calling.values()))

    async def _start(self) -> None:
        """Starts what is due, as far as there is room."""
        if self._guard.pause:
            await self._put_off(self._guard.pause)
        room = self._guard.admits(self.in_flight, self._concurrency)
        if not room:
            self._more = True
            return
        looked_at = self.in_flight + room
        rows = await self._agenda.due(looked_at)
        self._more = len(rows) == looked_at
        for row in rows:
            if row.name not in self._calling and room > 0:
                room -= 1
                call = asyncio.create_task(self._call(row))
                self._calling[row.name] = call
                call.add_done_callback(lambda _, name=row.name: self._ended(name))  # type: ignore[misc]

    async def _put_off(self, seconds: float) -> None:
        """While the breaker is open, what is due is due again when a probe is let through."""
        for row in await self._agenda.due(self.in_flight + self._concurrency):
            if row.name not in self._calling:
                await self._agenda.postpone(row, seconds)

    def _ended(self, name: str) -> None:
        """What waits for room is looked for when there is some, and not once a call."""
        del self._calling[name]
        if not self._calling or (self._more and self.in_flight <= self._concurrency // 2):
            self._agenda.tell()

    async def _wait(self) -> None:
        if self._guard.pause:
            await self._agenda.heard(self._guard.pause)
        elif self._calling:  # they are due all the time, so that the next due date says nothing
            await self._agenda.heard(LOOK)
        else:
            await self._agenda.wait()

    async def _call(self, row: DutyRow) -> None:
        try:
            await self._settle(row)
        except StoreUnavailable as error:
            # The row is still there: it is asked again, under the same key.
            log.warning("answer not recorded", name=row.name, reason=str(error))
            await self._clock.sleep(LOOK)
        except Exception as error:  # of ours; the other calls go on, and this one not at once
            log.error("call failed", name=row.name, exc_info=error)
            await self._clock.sleep(LOOK)

    async def _settle(self, row: DutyRow) -> None:
        try:
            request = self._decoder.decode(row.body)
            answer = await self._guard.call(lambda: self._outside(request, row.event_id))
        except BreakerOpen:
            return
        except OutsideUnavailable as error:
            pause = await self._agenda.failed(row)
            log.warning("no answer", name=row.name, reason=str(error), again_in=str(pause))
        except Exception as error:  # the adapter's own fault must not stop the other calls
            pause = await self._agenda.failed(row)
            log.error("call failed", name=row.name, exc_info=error, again_in=str(pause))
        else:
            if isinstance(answer, Later):
                self._agenda.fulfilled(row.name)
                await self._agenda.postpone(row, max(SOONEST, min(answer.seconds, LATEST)))
            else:
                await self._record(row, answer)

    async def _record(self, row: DutyRow, command: Command) -> None:
        backoff = Backoff(self._clock, first=0.5)
        while isinstance(outcome := await self._submit(row, command), Postponed):
            await backoff.pause()
        match outcome:
            case Accepted() | Superseded():
                self._agenda.fulfilled(row.name)
            case TurnedDown(refusal=refusal):
                self._agenda.fulfilled(row.name)
                log.warning("answer turned down", name=row.name, reason=str(refusal))
            case _:
                pause = await self._agenda.failed(row)
                log.error(
                    "answer failed", name=row.name, outcome=repr(outcome), again_in=str(pause)
                )

    async def _submit(self, row: DutyRow, command: Command) -> Outcome:
        cause = Cause(row.correlation_id, f"{self._domain.name}:{row.event_id}")
        fired = Fired(row.name, row.event_id)
        return await self._committer.submit(Work(commands=(command,), cause=cause, fired=fired))
