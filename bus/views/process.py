"""The whole `main` of a view's process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from bus.broker.nats import NatsBroker
from bus.broker.port import Broker
from bus.main import run_until_stopped
from bus.settings import Settings
from bus.view import View
from bus.views.build import Aim
from bus.views.partitions import parts
from bus.views.port import ViewStore
from bus.views.postgres import PostgresViewStore
from bus.views.redis import RedisViewStore
from bus.views.worker import Beside, ViewWorker


def run(view: View, beside: Callable[[Settings, Broker], Beside] | None = None) -> None:
    """Keeps `view` up to date and answers its queries until it is told to stop. `beside` makes
    what else the process does meanwhile."""

    def build(settings: Settings) -> ViewWorker:
        broker = NatsBroker(settings.nats_url, name=f"view-{view.name}")
        kept, remembered = settings.kept_hours, settings.history_hours
        return ViewWorker(
            view,
            stores(view, settings),
            broker,
            kept=timedelta(hours=kept),
            remembered=timedelta(hours=remembered),
            beside=beside(settings, broker) if beside else None,
        )

    run_until_stopped(view.name, build)


def stores(view: View, settings: Settings, aim: Aim = Aim.SERVE) -> Sequence[ViewStore]:
    """Where the settings say that the view's rows are kept, one for each of its partitions."""
    always = view.partitions > 1
    return [store(part, settings, aim, always=always) for part in parts(view)]


def store(
    view: View, settings: Settings, aim: Aim = Aim.SERVE, *, always: bool = False
) -> ViewStore:
    """One for all keys of `view`. With `always` it remembers rows whatever the settings say."""
    remembers = always or settings.history_hours > 0
    if view.backend == "redis":
        return RedisViewStore(view, settings.redis_url, aim=aim, remembers=remembers)
    return PostgresViewStore(view, settings.database_url("views"), aim=aim, remembers=remembers)
