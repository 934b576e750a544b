"""A transaction that takes the head first can't lose."""

from __future__ import annotations

import asyncio

import pytest

from bus.store.port import Append, Conflict, Fired, Store
from tests.contract.store.building import ORDER, OTHER, Another, duty, event, placed


async def test_nobody_commits_before_an_exclusive_transaction_has_ended(another: Another) -> None:
    store, rival = await another(), await another()
    await store.append(placed(ORDER))

    async with store.exclusive() as transaction:
        racing = asyncio.create_task(rival.append(placed(ORDER, 1)))
        version = (await transaction.load([ORDER]))[ORDER][-1].version
        for _ in range(3):  # round trips in which the rival could have come between
            assert (await rival.head()).position == 1
        head = await transaction.append(placed(ORDER, version))

    assert head.position == 2
    with pytest.raises(Conflict):
        await racing


async def test_reading_is_not_held_up(another: Another) -> None:
    store, reader = await another(), await another()
    await store.append(placed(ORDER))

    async with store.exclusive():
        assert len(await reader.read(0, 10)) == 1
        assert await reader.append(Append(expected={ORDER: 1})) == await reader.head()


async def test_leaving_without_an_append_writes_nothing_and_lets_others_in(store: Store) -> None:
    async def decide_otherwise() -> None:
        async with store.exclusive() as transaction:
            await transaction.load([ORDER])
            raise RuntimeError("decided otherwise")

    with pytest.raises(RuntimeError, match="decided otherwise"):
        await decide_otherwise()

    assert (await store.append(placed(OTHER))).position == 1


async def test_the_append_commits_before_the_block_is_left(another: Another) -> None:
    store, rival = await another(), await another()

    async with store.exclusive() as transaction:
        await transaction.append(placed(ORDER))
        assert (await rival.head()).position == 1


async def test_a_conflict_that_is_not_a_race_still_shows(store: Store) -> None:
    await store.append(Append(duties=[duty("charge")]))

    async with store.exclusive() as transaction:
        with pytest.raises(Conflict) as conflict:
            await transaction.append(Append(events=[event()], fired=[Fired("expire", "e-1")]))
        assert conflict.value.fired == (Fired("expire", "e-1"),)
        await transaction.append(Append(events=[event()], fired=[Fired("charge", "e-1")]))

    assert (await store.head()).position == 1
