"""The recorders of the `eventsourcing` library, on our store in Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from threading import Event, Lock
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    Subscription,
)
from eventsourcing.persistence import StoredEvent as ForeignEvent

from bus.store.background import LoopThread
from bus.store.foreign import key_of, to_notification, to_ours, to_theirs
from bus.store.port import Append, Conflict, Moved, StoreUnavailable
from bus.store.postgres import PostgresStore

LOOK = 0.5
"""Seconds between looks for what other processes have written. (Postgres' NOTIFY would make
the commits of all stores of a server wait for each other.)"""

T = TypeVar("T")


class StoreRecorder:
    """`name` is the application's; it becomes the source of the events."""

    def __init__(self, store: PostgresStore, loop: LoopThread, name: str) -> None:
        self._store = store
        self._loop = loop
        self._name = name

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self._loop.run(coroutine)
        except Conflict as conflict:
            raise IntegrityError(str(conflict)) from conflict
        except StoreUnavailable as error:
            raise OperationalError(str(error)) from error

    def _insert(self, events: Sequence[ForeignEvent], moved: Sequence[Moved] = ()) -> Sequence[int]:
        new = [to_ours(event, self._name) for event in events]
        head = self._run(self._store.append(Append(events=new, moved=moved)))
        return range(head.position - len(new) + 1, head.position + 1)


class StoreAggregateRecorder(StoreRecorder, AggregateRecorder):
    def insert_events(
        self, stored_events: Sequence[ForeignEvent], **_: Any
    ) -> Sequence[int] | None:
        self._insert(stored_events)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[ForeignEvent]:
        found = self._run(
            self._store.sequence(
                key_of(originator_id), after=gt, upto=lte, limit=limit, descending=desc
            )
        )
        return [to_theirs(stored) for stored in found]


class StoreApplicationRecorder(StoreAggregateRecorder, ApplicationRecorder):
    def __init__(self, store: PostgresStore, loop: LoopThread, name: str) -> None:
        super().__init__(store, loop, name)
        self._listeners: set[Event] = set()
        self._lock = Lock()
        self._looking: asyncio.Task[None] | None = None

    def insert_events(
        self, stored_events: Sequence[ForeignEvent], **_: Any
    ) -> Sequence[int] | None:
        numbers = list(self._insert(stored_events))
        self._notify()
        return numbers

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = (start or 0) - (1 if start and inclusive_of_start else 0)
        found = self._run(self._store.of_types(topics, after, stop, limit))
        return [to_notification(stored) for stored in found]

    def max_notification_id(self) -> int | None:
        return self._run(self._store.head()).position or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        return StoreSubscription(self, gt, topics)

    def listen(self, event: Event) -> None:
        """Sets `event` whenever something has been written, here or by another process."""
        with self._lock:
            self._listeners.add(event)
        self._loop.run(self._begin_to_look())

    def unlisten(self, event: Event) -> None:
        with self._lock:
            self._listeners.discard(event)

    def _notify(self) -> None:
        with self._lock:
            for event in self._listeners:
                event.set()

    async def _begin_to_look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        seen = 0
        while self._listeners:
            try:
                position = (await self._store.head()).position
            except StoreUnavailable:
                position = seen + 1  # so that the subscription reads, and meets the outage
            if position != seen:
                seen = position
                self._notify()
            await asyncio.sleep(LOOK)


class StoreSubscription(ListenNotifySubscription[StoreApplicationRecorder]):
    def __init__(
        self, recorder: StoreApplicationRecorder, gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        recorder.listen(self._has_been_notified)

    def stop(self) -> None:
        super().stop()
        self._recorder.unlisten(self._has_been_notified)
