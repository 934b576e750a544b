"""A batch before it is written: each work decided on what the earlier ones have left.

A plan holds all that one append writes, and what to tell each sender afterwards. If the
append finds that something it rests on has changed, the plan is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from bus import answers
from bus.clock import Ids
from bus.decider import Domain, NotYet
from bus.draft import Draft, EventTooLarge
from bus.envelope import Key
from bus.guesses import Kind
from bus.messages import tag
from bus.states import Folded, State
from bus.store.port import Append, DutyRow, Moved, NewEvent, Parked, ReactionRefused, Receipt
from bus.work import Accepted, Failed, Outcome, Superseded, TooLarge, TurnedDown, Work

ENVELOPE_ROOM = 4096
"""Bytes of max_payload that are left for subject and headers."""
KEPT = (Accepted, TurnedDown)
"""What is written, and answered from its receipt."""


class Decided:
    """A work with its outcome; `last` counts the plan's events up to and with its own."""

    __slots__ = ("last", "outcome", "work")

    def __init__(self, work: Work, outcome: Outcome, last: int) -> None:
        self.work = work
        self.outcome = outcome
        self.last = last


class Plan:
    """`base` looks up what is known of an aggregate beneath this plan."""

    def __init__(
        self, domain: Domain, base: Callable[[Key], Folded | None], ids: Ids, max_payload: int
    ) -> None:
        self._domain = domain
        self._base = base
        self._ids = ids
        self._limit = max_payload - ENVELOPE_ROOM
        self.states: dict[Key, Folded] = {}
        self.expected: dict[Key, int] = {}
        self.events: list[NewEvent] = []
        self.decided: list[Decided] = []
        self.command_ids: set[str] = set()
        self._duties: dict[str, DutyRow | None] = {}
        self._moved: dict[str, Moved] = {}
        self._refusals: list[ReactionRefused] = []

    @property
    def works(self) -> Sequence[Work]:
        """All that were decided, whatever came of it."""
        return [decided.work for decided in self.decided]

    @property
    def first_due(self) -> Mapping[str, datetime]:
        """When the first of the duties that the plan starts is due, by kind."""
        first: dict[str, datetime] = {}
        for row in self._duties.values():
            if row is not None:
                first[row.kind] = min(row.due, first.get(row.kind, row.due))
        return first

    def missing(self, works: Iterable[Work]) -> Mapping[Key, Kind]:
        """The aggregates that must be known before `works` can be decided."""
        found: dict[Key, Kind] = {}
        for work in works:
            for command, keys in zip(work.commands, self._reads(work), strict=False):
                for key in keys:
                    if key not in self.states and self._base(key) is None:
                        found[key] = (type(command), key.aggregate)
        return found

    def learn(self, states: Mapping[Key, Folded]) -> None:
        """Takes what was loaded; what is known already is newer."""
        for key, state in states.items():
            if key not in self.states and self._base(key) is None:
                self.states[key] = state

    def add(self, work: Work, now: datetime, stale: str | None = None) -> NotYet | None:
        """Decides `work`. Gives back a NotYet that is still to be settled: nothing was added.

        `stale` settles one: "" if the copy is up to date, else the upstream that is ahead.
        """
        if work.moved and not self._follows(work.moved):
            self.decided.append(Decided(work, Superseded(), len(self.events)))
            return None
        draft = Draft(self._domain, work, now, beneath=self._read, ids=self._ids, limit=self._limit)
        try:
            outcome = _undecided() if work.always_park else draft.decide(stale)
        except NotYet as open_question:
            return open_question
        except EventTooLarge as too_large:
            outcome = too_large.outcome
        except Exception as error:  # whatever a decider raises is its own command's failure
            outcome = Failed(error)
        self._take(work, outcome, draft)
        return None

    def append(self) -> Append:
        """All that the decided works write."""
        works = [d.work for d in self.decided if isinstance(d.outcome, KEPT)]
        return Append(
            expected=self.expected,
            events=self.events,
            receipts=self._receipts(),
            moved=list(self._moved.values()),
            duties=[row for row in self._duties.values() if row is not None],
            settled=[name for name, row in self._duties.items() if row is None],
            fired=[work.fired for work in works if work.fired is not None],
            parked=self._parked(),
            unparked=[work.unparked for work in works if work.unparked is not None],
            refusals=self._refusals,
        )

    def _receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(identity.command_id, identity.digest, answers.encode(d.outcome), d.last)
            for d in self.decided
            if (identity := d.work.identity) is not None and isinstance(d.outcome, KEPT)
        ]

    def _parked(self) -> Sequence[Parked]:
        """What takes the place of reactions that failed."""
        moving = [decided for decided in self.decided if decided.work.moved is not None]
        return [parked for decided in moving if (parked := _parked(decided)) is not None]

    def _reads(self, work: Work) -> Sequence[Sequence[Key]]:
        """Of each command; none where it must not be decided, or can't be."""
        if work.always_park:
            return ()
        if work.reads is None:
            try:
                work.reads = [self._domain.reads(command) for command in work.commands]
            except Exception:  # it fails again, and is answered, when it is decided
                return ()
        return work.reads

    def _read(self, key: Key) -> State:
        """The state beneath the next work; the append will confirm its version."""
        state = self.states.get(key) or self._base(key)
        if not isinstance(state, State):
            raise state.error if state else LookupError(f"{key} was not loaded")
        self.states.setdefault(key, state)
        self.expected.setdefault(key, state.version)
        return state

    def _follows(self, moved: Moved) -> bool:
        known = self._moved.get(moved.upstream)
        return known is None or known.after == moved.before

    def _take(self, work: Work, outcome: Outcome, draft: Draft) -> None:
        if work.identity is not None:
            self.command_ids.add(work.identity.command_id)
        if isinstance(outcome, KEPT):
            self.states.update(draft.states)
            self.events.extend(draft.events)
            self._duties.update(draft.duties)
        if work.moved is not None:
            self._move(work, work.moved, draft)
        self.decided.append(Decided(work, outcome, len(self.events)))

    def _move(self, work: Work, moved: Moved, draft: Draft) -> None:
        first = self._moved.get(moved.upstream, moved)
        self._moved[moved.upstream] = Moved(moved.upstream, first.before, moved.after)
        self._refusals.extend(
            ReactionRefused(
                moved.upstream,
                moved.after.position,
                tag(type(command)),
                command.id,
                refusal.code,
                refusal.message,
            )
            for command, refusal in draft.refusals
        )


def _parked(decided: Decided) -> Parked | None:
    """It says what the failure was."""
    work, outcome = decided.work, decided.outcome
    if work.parked_if_failed is None:
        return None
    match outcome:
        case Failed() if work.always_park:
            return work.parked_if_failed
        case Failed(error=error):
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            return work.parked_if_failed._replace(reason=reason)
        case TooLarge(size=size, limit=limit):
            reason = f"it would lead to an event of {size} bytes; {limit} is the most"
            return work.parked_if_failed._replace(reason=reason)
        case _:
            return None


def _undecided() -> Failed:
    return Failed(RuntimeError("its key is parked already"))
