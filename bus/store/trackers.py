"""Recorders of the `eventsourcing` library that keep their place in other applications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import (
    IntegrityError,
    ProcessRecorder,
    Tracking,
    TrackingRecorder,
)
from eventsourcing.persistence import StoredEvent as ForeignEvent

from bus.store.port import Checkpoint, Moved
from bus.store.recorders import StoreApplicationRecorder, StoreRecorder


class StoreTrackingRecorder(StoreRecorder, TrackingRecorder):
    def insert_tracking(self, tracking: Tracking) -> None:
        self._track((), tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        return self._run(self._store.checkpoint(application_name)).position or None

    def _track(self, events: Sequence[ForeignEvent], tracking: Tracking) -> Sequence[int]:
        """Raises IntegrityError where the upstream has been followed that far already."""
        name, position = tracking.application_name, tracking.notification_id
        before = self._run(self._store.checkpoint(name))
        if position <= before.position:
            raise IntegrityError(f"{name} was followed up to {before.position} already")
        return self._insert(events, [Moved(name, before, Checkpoint(position, ""))])


class StoreProcessRecorder(StoreTrackingRecorder, StoreApplicationRecorder, ProcessRecorder):
    def insert_events(
        self,
        stored_events: Sequence[ForeignEvent],
        *,
        tracking: Tracking | None = None,
        **_: Any,
    ) -> Sequence[int] | None:
        if tracking is None:
            return super().insert_events(stored_events)
        numbers = list(self._track(stored_events, tracking))
        self._notify()
        return numbers
