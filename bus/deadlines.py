"""Fires deadlines: sends the domain the commands that it has asked for, when they are due."""

from __future__ import annotations

from typing import Any, Union, assert_never

import msgspec
import structlog

from bus.agenda import Agenda
from bus.backoff import Backoff
from bus.clock import Clock
from bus.committer import Committer
from bus.decider import Domain
from bus.store.port import DutyRow, Fired, Store, StoreUnavailable
from bus.work import (
    Accepted,
    Cause,
    Failed,
    IdReused,
    Outcome,
    Postponed,
    Stale,
    Superseded,
    TooLarge,
    TurnedDown,
    Work,
    WrongVersion,
)

AT_ONCE = 500

log = structlog.get_logger()


class Deadlines:
    """A deadline that was fired has gone, also where the domain turned its command down."""

    def __init__(self, domain: Domain, store: Store, committer: Committer, clock: Clock) -> None:
        self._domain = domain
        self._committer = committer
        self._clock = clock
        self._agenda = Agenda(store, committer, clock, "deadline")
        commands = tuple(domain.contract.command_types.values())
        # A union that is only known now: a tagged command names its own type.
        self._decoder: Any = msgspec.json.Decoder(Union[commands])  # noqa: UP007

    @property
    def idle(self) -> bool:
        """Nothing is being fired."""
        return self._agenda.resting

    async def run(self) -> None:
        """Fires what is due until cancelled."""
        backoff = Backoff(self._clock)
        while True:
            try:
                if await self._fire():
                    continue
                backoff.reset()
                await self._agenda.wait()
            except StoreUnavailable as error:
                log.warning("deadlines wait", domain=self._domain.name, reason=str(error))
                await backoff.pause()

    async def _fire(self) -> int:
        """Fires all that is due, together. Gives how many there were."""
        rows = await self._agenda.due(AT_ONCE)
        works = [(row, self._work(row)) for row in rows]
        fired = [(row, self._committer.submit(work)) for row, work in works if work]
        for row in [row for row, work in works if work is None]:
            await self._agenda.failed(row)
        for row, outcome in fired:
            await self._settle(row, await outcome)
        return len(rows)

    def _work(self, row: DutyRow) -> Work | None:
        try:
            command = self._decoder.decode(row.body)
        except msgspec.MsgspecError as error:
            log.error("deadline unreadable", name=row.name, reason=str(error))
            return None
        cause = Cause(row.correlation_id, f"{self._domain.name}:{row.event_id}")
        return Work(commands=(command,), cause=cause, fired=Fired(row.name, row.event_id))

    async def _settle(self, row: DutyRow, outcome: Outcome) -> None:
        match outcome:
            case Accepted() | Superseded():
                self._agenda.fulfilled(row.name)
            case TurnedDown(refusal=refusal):
                self._agenda.fulfilled(row.name)
                log.info("deadline turned down", name=row.name, reason=str(refusal))
            case Postponed(reason=reason):
                raise StoreUnavailable(reason)
            case Failed() | TooLarge() | Stale() | WrongVersion() | IdReused():
                pause = await self._agenda.failed(row)
                log.error("deadline failed", name=row.name, outcome=repr(outcome), again_in=pause)
            case _:
                assert_never(outcome)
