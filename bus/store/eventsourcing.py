"""A persistence module for the `eventsourcing` library: its applications on our store.

    PERSISTENCE_MODULE=bus.store.eventsourcing
    TRUEUP_DATABASE_URL=postgresql://…

Each application has a store, in a schema of its name (behind TRUEUP_SCHEMA_PREFIX, if that
is set), and its snapshots have another. Everything that the library layers on its recorders
works: mappers, ciphers, compressors, snapshots, projections, followers.
"""

from __future__ import annotations

import re

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    ProcessRecorder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic

from bus.store.background import LoopThread
from bus.store.port import StoreUnavailable
from bus.store.postgres import PostgresStore
from bus.store.recorders import (
    StoreAggregateRecorder,
    StoreApplicationRecorder,
)
from bus.store.schema import WrongFormat
from bus.store.trackers import StoreProcessRecorder, StoreTrackingRecorder

DATABASE_URL = "TRUEUP_DATABASE_URL"
SCHEMA_PREFIX = "TRUEUP_SCHEMA_PREFIX"


class StoreFactory(InfrastructureFactory[StoreTrackingRecorder]):
    """Opens a store when a recorder is asked for; `close` closes all of them."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self._loop: LoopThread | None = None
        self._stores: dict[str | None, PostgresStore] = {}

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        suffix = "" if purpose == "events" else f"_{purpose}"
        return StoreAggregateRecorder(*self._opened(suffix))

    def application_recorder(self) -> ApplicationRecorder:
        topic = self.env.get(self.APPLICATION_RECORDER_TOPIC)
        recorder: type[StoreApplicationRecorder]
        recorder = resolve_topic(topic) if topic else StoreApplicationRecorder
        return recorder(*self._opened())

    def tracking_recorder(
        self, tracking_recorder_class: type[StoreTrackingRecorder] | None = None
    ) -> StoreTrackingRecorder:
        topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
        recorder = tracking_recorder_class
        if recorder is None:
            recorder = resolve_topic(topic) if topic else StoreTrackingRecorder
        return recorder(*self._opened())

    def process_recorder(self) -> ProcessRecorder:
        topic = self.env.get(self.PROCESS_RECORDER_TOPIC)
        recorder: type[StoreProcessRecorder]
        recorder = resolve_topic(topic) if topic else StoreProcessRecorder
        return recorder(*self._opened())

    def close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.close(*(store.close() for store in self._stores.values()))
        self._stores.clear()

    def _opened(self, suffix: str = "") -> tuple[PostgresStore, LoopThread, str]:
        """Raises InfrastructureFactoryError where the store can't be opened."""
        schema = self._schema(suffix)
        self._loop = self._loop or LoopThread()
        if schema not in self._stores:
            store = PostgresStore(self._url(), schema=schema)
            try:
                self._loop.run(store.open())
            except (StoreUnavailable, WrongFormat) as error:
                raise InfrastructureFactoryError(str(error)) from error
            self._stores[schema] = store
        return self._stores[schema], self._loop, self.env.name or "eventsourcing"

    def _url(self) -> str:
        url = self.env.get(DATABASE_URL)
        if not url:
            raise InfrastructureFactoryError(
                f"Set {DATABASE_URL} to the database that keeps the application's events"
            )
        return url

    def _schema(self, suffix: str) -> str:
        name = self.env.get(SCHEMA_PREFIX, "") + (self.env.name or "eventsourcing") + suffix
        plain = re.sub(r"[^a-z0-9_]", "_", name.lower())
        return plain if plain[0].isalpha() else f"_{plain}"
