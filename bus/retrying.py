"""Takes parked events of a reaction again, in order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import structlog

from bus.committer import Committer
from bus.decider import Reaction
from bus.parked import Retried
from bus.reacting import intend, one_line
from bus.store.port import ParkedRow, Store, StoreUnavailable
from bus.work import Accepted, Failed, Postponed, Superseded, TurnedDown, Work

log = structlog.get_logger()


class Retrying:
    """`reader` is the name that the events are parked under."""

    def __init__(self, reader: str, reaction: Reaction, store: Store, committer: Committer) -> None:
        self._reader = reader
        self._reaction = reaction
        self._store = store
        self._committer = committer

    async def retry(self, key: str | None) -> Retried:
        """All events of `key`, or of every key. A key's first failure leaves the rest of it.

        No new event of these keys may be taken meanwhile. Raises StoreUnavailable.
        """
        rows = [row for row in await self._store.parked(self._reader) if key in (None, row.key)]
        rows.sort(key=lambda row: (row.key, row.position))
        result = Retried()
        for _, of_key in groupby(rows, key=lambda row: row.key):
            result += await self._in_order(list(of_key))
        return result

    async def _in_order(self, rows: Sequence[ParkedRow]) -> Retried:
        for done, row in enumerate(rows):
            if reason := await self._take(row):
                await self._store.parked_again(self._reader, row.key, row.position, reason)
                return Retried(done, 1)
        return Retried(len(rows))

    async def _take(self, row: ParkedRow) -> str:
        """Why it has failed again, or ""."""
        intent = intend(self._reaction, row.position, row.body)
        if intent.reason:
            return intent.reason
        work = Work(
            commands=intent.commands,
            cause=intent.cause,
            unparked=(self._reader, row.key, row.position),
        )
        match await self._committer.submit(work):
            case Accepted() | Superseded():  # superseded: somebody else has taken it
                return ""
            case TurnedDown(refusal=refusal):
                log.info("reaction turned down", cause=intent.cause, reason=str(refusal))
                return ""
            case Failed(error=error):
                return one_line(error)
            case Postponed(reason=reason):
                raise StoreUnavailable(reason)
            case outcome:
                return repr(outcome)
