"""Each process dies at each of its named fail points, one after the other, all at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from scripts.chaos import proof
from scripts.chaos.deaths import Death, Note
from scripts.chaos.failpoints import Side
from scripts.chaos.faults import Fault
from scripts.chaos.mesh import Broken
from scripts.chaos.scene import Scene
from scripts.chaos.until import until
from scripts.chaos.visitors import Visitors

THROUGH = {"TRUEUP_THROUGH": "scripts.chaos.through"}
"""What the mesh must know, so that its processes die of what is set down for them."""
PATIENCE = 120.0
"""Seconds within which everybody must have come to the point."""
SOON = 4
"""A process dies at one of so many calls of that name, the next ones."""
_COMMITS = ("store.write", "store.safe", "broker.publish_run")
_ANSWERS = ("cmd.respond", "submit.ack", "broker.publish")
_REACTS = (*_COMMITS, "broker.read_stream", *_ANSWERS)
DOMAINS: Mapping[str, Sequence[str]] = {
    "catalog": (*_COMMITS, *_ANSWERS),
    "ordering": _REACTS,
    "inventory": _REACTS,
    "payments": ("outside.call", *_COMMITS, "broker.read_stream", "store.due"),
    "shipping": _REACTS,
}
"""By domain: between decision and commit, commit and stream, stream and reaction, commit and
reply; a stored command is done, one of them refused; the world outside is asked. What only
orders lead to comes first, while there are any."""
VIEW = ("view.write", "view.load", "broker.read_stream", "view.snapshot", "qry.respond")
"""Between stream and rows (their checkpoint is in the same write), between rows and answer."""


def met(side: Side) -> Callable[[Scene], Sequence[tuple[str, Fault]]]:
    """Before or after each call, whoever else is dead at that time."""
    return lambda _: [(f"kill -9 {side} each named call", _all_die(side))]


async def everything(scene: Scene) -> Sequence[str]:
    """As `proof.everything`, with a line about the deaths, which are all there have been."""
    calls = sum(len(each) for each in _calls(scene).values())
    return [f"{calls} named fail points met", *await proof.everything(scene)]


def _calls(scene: Scene) -> Mapping[str, Sequence[str]]:
    views = dict.fromkeys(scene.mesh.names("view"), VIEW)
    return {**{name: DOMAINS[name] for name in scene.mesh.names("domain")}, **views}


def _all_die(side: Side) -> Fault:
    async def strike(scene: Scene) -> None:
        lives = [_lives(scene, name, calls, side) for name, calls in _calls(scene).items()]
        async with Visitors(scene.lookout).coming():
            await asyncio.gather(*lives)

    return strike


async def _lives(scene: Scene, name: str, calls: Sequence[str], side: Side) -> None:
    for call in calls:
        await died(name, call, side)(scene)
        scene.say(f"  {name} died {side} {call}")


def died(name: str, call: str, side: Side) -> Fault:
    """Over when it has died there and runs again. It raises Broken where either is not so."""

    async def die(scene: Scene) -> None:
        pid, _ = await scene.mesh.running(name)
        note = Note(scene.mesh.home.path, _module(name))
        note.set_down(Death(call, side, scene.chance.randint(1, SOON)))

        async def signed() -> bool:
            return note.signed

        try:
            async with asyncio.timeout(PATIENCE):
                await until(signed)
                await scene.mesh.running(name, but=pid)
        except TimeoutError:
            raise Broken(f"{name} did not come {side} {call}, or not back") from None

    return die


def _module(name: str) -> str:
    view = name.removeprefix("view-")
    return f"domains.{name}.app" if view == name else f"projections.{view}"
