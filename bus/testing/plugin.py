"""Pytest fixtures for meshes: `pytest_plugins = ["bus.testing.plugin"]`.

`ground` gives a test both grounds, one after the other; `memory_ground` and `real_ground`
give one of them, `cluster_ground` real servers with three of NATS. All are empty at the
start of each test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import structlog

from bus.testing.ground import ClusterGround, Ground, MemoryGround, RealGround, Servers


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log lines as plain text: the default's drawn tracebacks take seconds on a busy machine."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ]
    )


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Postgres and Valkey for the session, started when the first test asks for them."""
    started = Servers()
    asyncio.run(started.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture
def memory_ground() -> MemoryGround:
    return MemoryGround()


@pytest.fixture
def real_ground(servers: Servers) -> RealGround:
    return RealGround(servers)


@pytest.fixture
def cluster_ground(servers: Servers) -> ClusterGround:
    return ClusterGround(servers)


@pytest.fixture(params=["memory", "real"])
def ground(request: pytest.FixtureRequest) -> Ground:
    """The same test on doubles and on real servers."""
    found: Ground = request.getfixturevalue(f"{request.param}_ground")
    return found
