"""What is due is found without a look at all that is owed."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec
import pytest

from bus.store import queries
from bus.store.port import Append
from bus.store.postgres import SETTINGS, PostgresStore
from tests.contract.store.building import NOON, duty

OWED = 3_000


def most_rows(plan: Any) -> int:
    """The most that any step of a plan has come by."""
    own = int(plan["Actual Rows"] * plan["Actual Loops"])
    return max([own, *(most_rows(part) for part in plan.get("Plans", ()))])


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [(queries._DUE, (NOON, 10)), (queries._NEXT_DUE, ())],
    ids=["due", "next due"],
)
async def test_only_the_first_of_a_kind_are_looked_at(
    stores_database: str, statement: str, arguments: tuple[Any, ...]
) -> None:
    schema = f"due_{len(arguments)}"
    store = PostgresStore(stores_database, schema=schema)
    await store.open()
    duties = [
        duty(f"d-{n}")._replace(kind=kind) for n, kind in enumerate(["deadline", "call"] * OWED)
    ]
    await store.append(Append(duties=duties))
    await store.close()

    connection = await asyncpg.connect(
        stores_database, server_settings={**SETTINGS, "search_path": schema}
    )
    explained = f"explain (analyze, format json) {statement}"
    plan = await connection.fetchval(explained, *arguments, ["deadline", "call"])
    await connection.close()

    assert most_rows(msgspec.json.decode(plan)[0]["Plan"]) <= 20
