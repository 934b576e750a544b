"""Servers that are the user's own: named by URL, and the databases that compose.yaml makes."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import yaml

from bus.embedded import PostgresServer
from bus.embedded.postgres import binary
from bus.settings import Settings
from bus.store.postgres import PostgresStore
from bus.variables import CHECKOUT
from scripts.supervisor.home import Home
from scripts.supervisor.servers import Servers
from scripts.supervisor.trouble import Trouble, explained

OWN = {"NATS_URL": "nats://nats.shop:4222", "REDIS_URL": "redis://redis.shop:6379/0"}


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[PostgresServer]:
    server = PostgresServer(tmp_path / "postgres")
    await server.start()
    yield server
    await server.stop()


async def test_what_is_named_by_url_is_not_started_and_databases_are_made(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    special = await postgres.database("money")
    own = Settings(
        {
            **OWN,
            "TRUEUP_DATABASE_URL": postgres.url,
            "TRUEUP_PAYMENTS_DATABASE_URL": special,
        }
    )
    home = Home(tmp_path / "home")
    home.make()
    servers = Servers(home, own, ["ordering", "payments", "views"])
    await servers.start()
    assert servers.embedded == []
    assert servers.urls["NATS_URL"] == OWN["NATS_URL"]
    assert servers.urls["REDIS_URL"] == OWN["REDIS_URL"]
    assert servers.urls["TRUEUP_PAYMENTS_DATABASE_URL"] == special
    for owner in ("ORDERING", "VIEWS"):
        connection = await asyncpg.connect(servers.urls[f"TRUEUP_{owner}_DATABASE_URL"])
        assert await connection.fetchval("SELECT current_database()") == f"trueup_{owner.lower()}"
        await connection.close()


async def test_databases_of_compose_belong_to_their_roles_alone(postgres: PostgresServer) -> None:
    compose = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
    script = compose["configs"]["databases"]["content"].replace("$$", "$")
    place = urlsplit(postgres.url)
    environment = {
        "PATH": f"{binary('psql').parent}:{os.environ['PATH']}",
        "PGHOST": str(place.hostname),
        "PGPORT": str(place.port),
        "PGPASSWORD": str(place.password),
        "POSTGRES_PASSWORD": "it's a secret",
    }
    making = await asyncio.create_subprocess_exec("sh", "-c", script, env=environment)
    assert await making.wait() == 0
    role = place._replace(
        netloc=f"trueup_ordering:it%27s%20a%20secret@{place.hostname}:{place.port}"
    )
    store = PostgresStore(role._replace(path="/trueup_ordering").geturl())
    await store.open()
    assert (await store.head()).position == 0
    await store.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(role._replace(path="/trueup_payments").geturl())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "The disk under /shop is full: free some space"),
        (PermissionError(13, "Permission denied"), "/shop may not be written by this user: change"),
        (NotADirectoryError(20, "Not a directory"), "/shop is no folder: name another"),
    ],
    ids=["full", "barred", "a file"],
)
def test_what_is_in_the_way_is_told_with_what_to_do(error: OSError, said: str) -> None:
    trouble = explained(error, "/shop")
    assert isinstance(trouble, Trouble)
    assert str(trouble).startswith(said)
