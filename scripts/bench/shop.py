"""Real orders played through a mesh, until everybody has everything."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from scripts.chaos.lookout import Heads, Lookout
from scripts.chaos.mesh import Broken, Mesh
from scripts.commands.output import say

QUIET = 1.0
"""Seconds without a new event after which the shop is at rest."""


async def settled(lookout: Lookout) -> tuple[float, Heads]:
    """When the last event had reached everybody, and the ends of the stores. The provider may
    still have been answering: nothing more has been recorded for a while."""
    while True:
        await lookout.caught_up()
        at, heads = time.monotonic(), await lookout.heads()
        await asyncio.sleep(QUIET)  # nobody tells that nothing will come
        if heads is not None and await lookout.heads() == heads:
            return at, heads


class Said(Struct):
    """What `trueup import olist --json` prints; `ended` is when it did."""

    seconds: float
    ends: dict[str, int]
    ended: float = 0.0


async def imported(mesh: Mesh, folder: Path) -> Said:
    say(f"playing the orders of {folder.name} …")
    said = await mesh.trueup("import", "olist", str(folder), "--live", "--json")
    if said.code:
        raise Broken(f"the import ends with {said.code}: {said.err.strip()[-500:]}")
    found = msgspec.json.decode(said.out, type=Said)
    found.ended = time.monotonic()
    return found


class Rebuilt(Struct):
    """What `trueup rebuild --json` prints."""

    events: int
    seconds: float
    compared: int
    differing: int
    handing_over: float


async def rebuilt(mesh: Mesh, view: str) -> Rebuilt:
    """Makes the view's rows anew. Raises Broken."""
    said = await mesh.trueup("rebuild", view, "--json")
    if said.code:
        raise Broken(f"trueup rebuild ends with {said.code}: {said.out} {said.err.strip()[-500:]}")
    return msgspec.json.decode(said.out, type=Rebuilt)
