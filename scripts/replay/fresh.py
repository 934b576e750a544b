"""A fresh view on a scratch database: made, asked, and dropped again unless it is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from rich.console import Console

from bus.broker.port import Broker
from bus.halt import Halt
from bus.owner import OwnerSilent
from bus.settings import Settings
from bus.store.port import StoreUnavailable
from bus.view import View
from bus.views.build import Aim
from bus.views.port import ViewStore
from bus.views.process import store
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, Exit
from scripts.commands.mesh import connected, settings, view
from scripts.commands.output import say
from scripts.commands.progress import Progress
from scripts.replay import asking, scratch, words
from scripts.replay.folding import Folding, Positions, checked, ends


class Question(NamedTuple):
    """`query` None: nothing is asked."""

    query: str | None
    key: str | None
    params: bytes


async def run(
    name: str, to: str | None, question: Question, *, keep: bool, kept: str | None
) -> int:
    """Raises Exit."""
    of, told = view(name), settings()
    wanted = words.positions(to or "", {source.contract.domain for source in of.sources})
    if question.query is not None:
        asking.named(of, question.query, question.key)
    async with connected() as broker:
        try:
            if kept is not None:
                return await _again(of, kept, told, broker, question)
            return await _made(of, wanted, told, broker, question, keep=keep)
        except (StoreUnavailable, OwnerSilent) as error:
            raise Exit(UNAVAILABLE, f"{error}.") from None
        except Halt as error:
            raise Exit(REFUSED, f"{error}.") from None


async def drop(name: str) -> int:
    await scratch.drop(name, settings())
    say(f"{name} is dropped")
    return OK


async def _made(
    of: View, wanted: Positions, told: Settings, broker: Broker, question: Question, *, keep: bool
) -> int:
    goal = checked(wanted, await ends(of, broker))
    name = await scratch.create(of, told)
    try:
        async with _opened(of, name, told) as rows:
            with Progress(f"replay into {name}", "events", Console(stderr=True)) as progress:
                await Folding(rows, broker, goal).run(progress.at)
            code = await _parked(rows)
            await _ask(rows, broker, question)
        return code
    finally:
        if keep:
            first = of.queries[0]
            query = f"{first.name} --key …" if first.keyed else first.name
            asked = f"trueup replay --view {of.name} --scratch {name} --query {query}"
            say(f"{name} is kept: {asked} asks it, trueup replay --drop {name} drops it")
        else:
            await scratch.drop(name, told)


async def _again(of: View, name: str, told: Settings, broker: Broker, question: Question) -> int:
    await scratch.must_be_there(name, of, told)
    async with _opened(of, name, told, Aim.ASKED) as rows:
        await _ask(rows, broker, question)
    return OK


@asynccontextmanager
async def _opened(
    of: View, name: str, told: Settings, aim: Aim = Aim.SERVE
) -> AsyncIterator[ViewStore]:
    rows = store(of, scratch.told(name, told), aim)
    await rows.open()
    try:
        yield rows
    finally:
        await rows.close()


async def _parked(rows: ViewStore) -> int:
    """What could not be folded is said, and where: to look at it is what this is for."""
    parked = await rows.parked()
    for row in parked:
        say(f"trueup: parked {row.reader} {row.key} at {row.position}: {row.reason}")
    return REFUSED if parked else OK


async def _ask(rows: ViewStore, broker: Broker, question: Question) -> None:
    if question.query is not None:
        found = await asking.ask(rows, broker, question.query, question.key, question.params)
        print(found.decode())
