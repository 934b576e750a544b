"""The `eventsourcing` library's own Postgres application, asked to do what Trueup does."""

from __future__ import annotations

from urllib.parse import urlsplit

from scripts.bench.figures import Figure, Pace
from scripts.bench.ground import Ground, own
from scripts.bench.library_app import Task
from scripts.bench.spoken import ask

DEFAULT, FUNCTIONS = "library", "functions"
"""Its two ways to write: one statement an event, or one call of a database function. The
names are those of their databases, too."""
PREPARED = 700
"""Aggregates with five events that are made for each second: more than it can use."""


async def measure(ground: Ground, way: str, case: str, pace: Pace) -> Figure:
    """`case` is "new" or anything else for aggregates with five events."""
    task = Task(case, *pace, prepared=int(PREPARED * (pace.seconds + pace.warm_up)))
    parts = {"postgres": ground.processes()["postgres"]}
    environment = {**own(), **_settings(ground.database(way), way)}
    return await ask("scripts.bench.library_app", task, parts, environment)


def _settings(database: str, way: str) -> dict[str, str]:
    url = urlsplit(database)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_HOST": str(url.hostname),
        "POSTGRES_PORT": str(url.port),
        "POSTGRES_USER": str(url.username),
        "POSTGRES_PASSWORD": str(url.password),
        "POSTGRES_DBNAME": url.path[1:],
        "POSTGRES_ENABLE_DB_FUNCTIONS": "yes" if way == FUNCTIONS else "no",
    }
