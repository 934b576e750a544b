"""The servers under a view may die and come back: its worker waits, and goes on."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.embedded import PostgresServer, ValkeyServer
from bus.testing.ground import MemoryGround
from bus.view import View
from bus.views.build import Aim
from bus.views.port import ViewStore
from bus.views.postgres import PostgresViewStore
from bus.views.redis import RedisViewStore
from tests.contract.views.scene import Scene


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="trueup-views-"))
    yield made
    shutil.rmtree(made)


class Ground(MemoryGround):
    """Streams in memory, rows on a server of the test's own."""

    def __init__(self, server: PostgresServer | ValkeyServer) -> None:
        super().__init__()
        self._server = server

    async def view_store(self, view: View, aim: Aim = Aim.SERVE) -> ViewStore:
        if isinstance(self._server, ValkeyServer):
            return RedisViewStore(view, self._server.url, aim=aim)
        return PostgresViewStore(view, self._server.url, aim=aim)


@pytest.mark.parametrize("kind", [PostgresServer, ValkeyServer])
async def test_a_killed_server_is_waited_for(
    kind: type[PostgresServer | ValkeyServer], folder: Path
) -> None:
    server = kind(folder)
    await server.start()
    scene = Scene(Ground(server), "own")
    await scene.open()
    await scene.worker()
    await scene.bill(("b-1", "ann", 10))
    await scene.at_rest()
    server.kill()
    await scene.bill(("b-1", "ann", 5))
    answer = await scene.ask("get.b-1")
    assert (answer["status"], answer["code"]) == ("unavailable", "StoreUnavailable")
    await server.start()
    await scene.at_rest()
    await scene.bill(("b-1", "ann", 1))
    await scene.at_rest()
    assert await scene.rows() == {"b-1": ("ann", 16)}
    await scene.close()
    await server.stop()
