"""The `eventsourcing` library's own conformance suites, on our store in Postgres."""

from __future__ import annotations

import asyncio
import itertools
import os
from typing import TYPE_CHECKING, Any
from unittest import TestCase
from unittest.mock import patch

import pytest
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    ProcessRecorder,
    TrackingRecorder,
)
from eventsourcing.tests import application, persistence, projection
from eventsourcing.utils import Environment, get_topic

from bus.store.eventsourcing import StoreFactory
from bus.store.recorders import (
    StoreAggregateRecorder,
    StoreApplicationRecorder,
)
from bus.store.trackers import StoreProcessRecorder, StoreTrackingRecorder

if TYPE_CHECKING:
    from bus.testing.ground import Servers

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def database(servers: Servers) -> str:
    return asyncio.run(servers.postgres.database("eventsourcing"))


class OnOurStore(TestCase):
    """Applications find an empty store in their environment, and are closed behind each test."""

    factories: list[StoreFactory]

    @pytest.fixture(autouse=True)
    def _environment(self, database: str) -> Any:
        self.factories = []
        settings = {
            "PERSISTENCE_MODULE": "bus.store.eventsourcing",
            "TRUEUP_DATABASE_URL": database,
            "TRUEUP_SCHEMA_PREFIX": f"test_{next(_numbers)}_",
        }
        construct = StoreFactory.__init__

        def remembered(factory: StoreFactory, env: Any) -> None:
            construct(factory, env)
            self.factories.append(factory)

        with patch.dict(os.environ, settings), patch.object(StoreFactory, "__init__", remembered):
            yield
            for factory in self.factories:
                factory.close()

    def new_factory(self) -> StoreFactory:
        factory = InfrastructureFactory.construct(Environment(env=os.environ))
        assert isinstance(factory, StoreFactory)
        return factory


class TestAggregateRecorder(OnOurStore, persistence.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.new_factory().aggregate_recorder()


class TestSnapshotRecorder(OnOurStore, persistence.AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return self.new_factory().aggregate_recorder("snapshots")


class TestApplicationRecorder(OnOurStore, persistence.ApplicationRecorderTestCase[Any]):
    def create_recorder(self) -> ApplicationRecorder:
        return self.new_factory().application_recorder()

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestAggregateRecorderWithNamedAggregates(TestAggregateRecorder):
    def new_originator_id(self) -> str:
        return f"order number {super().new_originator_id()}/é"


class TestNonInterleavingNotificationIDs(
    OnOurStore, persistence.NonInterleavingNotificationIDsBaseCase
):
    def create_recorder(self) -> ApplicationRecorder:
        return self.new_factory().application_recorder()


class TestTrackingRecorder(OnOurStore, persistence.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return self.new_factory().tracking_recorder()


class TestProcessRecorder(OnOurStore, persistence.ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessRecorder:
        return self.new_factory().process_recorder()


class CustomTrackingRecorder(StoreTrackingRecorder):
    pass


class TestInfrastructureFactory(
    OnOurStore, persistence.InfrastructureFactoryTestCase[StoreFactory]
):
    def setUp(self) -> None:
        self.env = Environment("Bakery", env=os.environ)
        super().setUp()

    def expected_factory_class(self) -> type[StoreFactory]:
        return StoreFactory

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return StoreAggregateRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return StoreApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return StoreTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return CustomTrackingRecorder

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return StoreProcessRecorder


class TestExampleApplication(OnOurStore, application.ExampleApplicationTestCase):
    expected_factory_topic = get_topic(StoreFactory)


class TestApplication(OnOurStore, application.ApplicationTestCase):
    pass


class TestEventSourcedProjection(OnOurStore, projection.EventSourcedProjectionTestCase):
    pass
