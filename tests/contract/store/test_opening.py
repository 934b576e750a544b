"""Opening a store: by several processes at once, and with a clear word where it can't be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from bus.store.outages import explain
from bus.store.port import StoreUnavailable
from bus.store.postgres import PostgresStore
from bus.store.schema import WrongFormat
from tests.contract.store.building import ORDER, Another, placed


def other(url: str, *, user: str | None = None, database: str | None = None) -> str:
    """`url` with another user or database."""
    parts = urlsplit(url)
    location = parts.netloc if user is None else f"{user}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=location, path=f"/{database or parts.path[1:]}"))


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_several_processes_open_a_new_store_at_once(another: Another) -> None:
    handles = await asyncio.gather(*(another() for _ in range(6)))

    await handles[0].append(placed(ORDER))

    assert [(await handle.head()).position for handle in handles] == [1] * 6


async def test_a_store_keeps_what_it_has_when_it_is_opened_again(another: Another) -> None:
    first = await another()
    await first.append(placed(ORDER))
    await first.close()

    assert (await (await another()).head()).position == 1


async def test_a_store_of_another_format_is_left_alone(stores_database: str) -> None:
    store = PostgresStore(stores_database, schema="newer")
    await store.open()
    await store.close()
    await run(stores_database, "update newer.head set format = 99")

    with pytest.raises(WrongFormat, match=r"format 99, this version of Trueup works with 3: run"):
        await store.open()


async def test_a_strangers_table_is_left_alone(stores_database: str) -> None:
    await run(stores_database, "create schema strange", "create table strange.head (hair text)")

    with pytest.raises(WrongFormat, match="not Trueup's: give each domain a database of its own"):
        await PostgresStore(stores_database, schema="strange").open()


async def test_a_database_in_another_encoding_is_refused(stores_database: str) -> None:
    await run(stores_database, "create database latin encoding 'LATIN1' template template0")

    with pytest.raises(WrongFormat, match=r"latin on .* is encoded in LATIN1, a store needs UTF8"):
        await PostgresStore(other(stores_database, database="latin")).open()


async def test_a_missing_database_is_named(stores_database: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"nowhere on .* does not exist: create it"):
        await PostgresStore(other(stores_database, database="nowhere")).open()


async def test_a_wrong_password_is_said_without_saying_the_password(stores_database: str) -> None:
    url = other(stores_database, user="postgres:sesame")

    with pytest.raises(StoreUnavailable, match="turns the user or password away") as error:
        await PostgresStore(url).open()

    assert "sesame" not in str(error.value)


async def test_a_user_without_a_connection_left_is_told_so(stores_database: str) -> None:
    await run(
        stores_database,
        "create role shy login password 'shy' connection limit 0",
    )

    with pytest.raises(StoreUnavailable, match="no connection left: raise max_connections"):
        await PostgresStore(other(stores_database, user="shy:shy")).open()


async def test_a_user_that_may_not_create_tables_is_told_so(stores_database: str) -> None:
    await run(stores_database, "create role guest login password 'guest'")

    with pytest.raises(StoreUnavailable, match="lacks a permission: make the user its owner"):
        await PostgresStore(other(stores_database, user="guest:guest")).open()


async def test_nobody_listening_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable, match="can't be reached: see whether it runs") as error:
        await PostgresStore("postgresql://postgres@127.0.0.1:1/ordering").open()

    assert not error.value.unknown


def test_a_full_disk_says_what_to_do() -> None:
    error = asyncpg.DiskFullError("could not extend file: No space left on device")

    assert explain("ordering on localhost", error).startswith(
        "The database ordering on localhost has no disk space left: free some"
    )


def test_a_schema_that_needs_quotes_is_refused() -> None:
    with pytest.raises(ValueError, match="no plain name"):
        PostgresStore("postgresql://localhost/x", schema='a"; drop')


async def test_a_store_of_an_older_format_is_brought_up_to_date(stores_database: str) -> None:
    store = PostgresStore(stores_database, schema="older")
    await _format_1(stores_database, "older")

    await store.open()

    assert (await store.head()).position == 0
    assert set(await store.receipts(["c-1"])) == {"c-1"}
    assert await store.trim_receipts(datetime.now(UTC) + timedelta(hours=1), 10) == 1
    await store.append(placed(ORDER))
    await store.close()


async def _format_1(url: str, schema: str) -> None:
    """A store as the first version made it, with a receipt in it."""
    script = files("bus.store").joinpath("schema.sql").read_text("utf-8")
    await run(
        url,
        f"create schema {schema}",
        f"set search_path = {schema}; {script}",
        f"insert into {schema}.receipts values ('c-1', '', '{{}}', 0)",
    )
