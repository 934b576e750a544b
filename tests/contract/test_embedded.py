"""The three embedded servers keep the same promises."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest
import redis.asyncio as redis

from bus.embedded import (
    EmbeddedError,
    NatsServer,
    PortTaken,
    PostgresServer,
    Server,
    ValkeyServer,
)
from bus.embedded.trouble import explain
from bus.variables import CHECKOUT

KINDS = [NatsServer, PostgresServer, ValkeyServer]
HOLDS = """
import asyncio, sys
from pathlib import Path
from bus.embedded import *
async def main():
    server = globals()[sys.argv[1]](Path(sys.argv[2]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """In a folder whose name a careless command line would take apart."""
    server: Server = request.param(tmp_path_factory.mktemp("a") / 'folder\'s "name"')
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def server(started: Server) -> Server:
    """Running, whatever the test before has done to it."""
    await started.start()
    return started


async def write(server: Server) -> None:
    match server:
        case NatsServer():
            client = await nats.connect(server.url)
            await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
            await client.jetstream().purge_stream("KEPT")
            await client.jetstream().publish("kept", b"something")
            await client.close()
        case PostgresServer():
            connection = await asyncpg.connect(await server.database("kept"))
            await connection.execute("DROP TABLE IF EXISTS kept")
            await connection.execute("CREATE TABLE kept AS SELECT 'something' AS what")
            await connection.close()
        case ValkeyServer():
            async with redis.from_url(server.url) as store:
                await store.delete("kept")
                await store.set("kept", "something")
                await store.waitaof(1, 0, 0)


async def read(server: Server) -> object:
    match server:
        case NatsServer():
            client = await nats.connect(server.url)
            message = await client.jetstream().get_last_msg("KEPT", "kept")
            await client.close()
            return (message.data or b"").decode()
        case PostgresServer():
            connection = await asyncpg.connect(await server.database("kept"))
            found = await connection.fetchval("SELECT what FROM kept")
            await connection.close()
            return found
        case _:
            async with redis.from_url(server.url, decode_responses=True) as store:
                return await store.get("kept")


async def test_what_was_written_is_there_after_a_stop(server: Server) -> None:
    await write(server)
    await server.stop()
    assert not server.running
    await server.start()
    assert await read(server) == "something"


async def test_what_was_written_is_there_after_kill_minus_9(server: Server) -> None:
    url = server.url
    await write(server)
    server.kill()
    await server.start()
    assert server.url == url
    assert await read(server) == "something"


async def test_a_second_one_is_told_that_the_port_is_taken(server: Server, tmp_path: Path) -> None:
    second = type(server)(tmp_path / "second", server.port)
    with pytest.raises(PortTaken, match=f"^port {server.port} is taken by another program"):
        await second.start()
    assert not second.running


async def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server.pid is not None
    open_ones = [c for c in psutil.net_connections("tcp") if c.pid == server.pid]
    assert {c.laddr[0] for c in open_ones if c.laddr} == {"127.0.0.1"}
    with socket.create_connection(("127.0.0.1", server.port), timeout=5):
        pass


Held = tuple[subprocess.Popen[str], int, Server]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Held]:
    """A process that has started a server, the server's pid, a second handle on its folder."""
    command = [sys.executable, "-c", HOLDS, request.param.__name__, str(tmp_path / "held")]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    owner = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    yield owner, pid, request.param(tmp_path / "held")
    owner.kill()
    owner.wait()
    owner.stdout.close()


def alive(pid: int) -> bool:
    """A zombie has ended: where nobody collects it, it stays in the list."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_it_ends_when_its_owner_is_killed(held: Held) -> None:
    owner, pid, _ = held
    owner.kill()
    with suppress(psutil.Error):
        psutil.Process(pid).wait(30)
    assert not alive(pid)


async def test_a_folder_in_use_is_left_alone(held: Held) -> None:
    owner, pid, second = held
    with pytest.raises(EmbeddedError, match=f"is in use by process {owner.pid}: stop that first"):
        await second.start()
    assert alive(pid)


async def test_the_folder_of_a_dead_owner_is_taken_over(held: Held) -> None:
    owner, _, second = held
    owner.kill()
    owner.wait()
    await second.start()
    assert second.running
    await second.stop()


async def test_a_lock_file_whose_pid_belongs_to_another_program_is_no_obstacle(
    tmp_path: Path,
) -> None:
    server = PostgresServer(tmp_path / "postgres")
    await server.start()
    await server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    await server.start()
    await server.stop()


async def test_postgres_is_made_once_however_often_it_was_interrupted(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres")
    (server.folder / "data.new").mkdir(parents=True)
    (server.folder / "data.new" / "PG_VERSION").write_text("18")
    await server.start()
    connection = await asyncpg.connect(server.url)
    assert await connection.fetchval("SHOW fsync") == "on"
    await connection.close()
    await server.stop()


async def test_a_database_is_made_by_several_at_once(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres")
    await server.start()
    urls = await asyncio.gather(*(server.database("trueup_ordering") for _ in range(8)))
    assert len(set(urls)) == 1
    await server.stop()


async def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "nats").write_text("")
    with pytest.raises(EmbeddedError, match=r"^nats-server can't start in .*nats: "):
        await NatsServer(tmp_path / "nats").start()


def test_what_a_server_says_becomes_a_sentence_about_what_to_do(tmp_path: Path) -> None:
    full = explain("postgres", "FATAL: could not write: No space left on device", tmp_path)
    assert full == f"the disk under {tmp_path} is full: free some space and start postgres again"
    barred = explain("postgres", "could not open: Permission denied", tmp_path)
    assert barred.startswith(f"postgres may not read or write {tmp_path}: check")
    assert explain("nats-server", "line one\nboom\n", tmp_path).endswith("its last words: boom")


def test_the_signal_for_postgres_is_the_one_that_does_not_wait_for_clients() -> None:
    assert PostgresServer.stop_signal == signal.SIGINT


async def test_nats_server_knows_its_jetstream_folder_from_one_in_its_place(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    await server.start()
    try:
        assert server.intact
        shutil.rmtree(tmp_path / "nats" / "jetstream")
        assert not server.intact
        (tmp_path / "nats" / "jetstream").mkdir()  # as a server does that still has events
        assert not server.intact
        await server.stop()
        await server.start()
        assert server.intact
    finally:
        await server.stop()
