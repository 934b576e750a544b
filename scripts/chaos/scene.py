"""What a fault finds: a mesh under load, somebody who watches it, and chance."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from scripts.chaos.load import Load
from scripts.chaos.lookout import Lookout
from scripts.chaos.mesh import Mesh

PAUSE = 0.3
"""Seconds between two faults, at most."""


class Struck(NamedTuple):
    """A fault that was recovered from. `seconds` is how long it took until everybody had
    what was recorded when the last store answered again."""

    fault: str
    under_load: bool
    seconds: float


class Scene(NamedTuple):
    mesh: Mesh
    load: Load
    lookout: Lookout
    chance: random.Random
    say: Callable[[str], None]

    async def strike(self, name: str, fault: Callable[[Scene], Awaitable[None]]) -> Struck:
        """The fault at a moment left to chance. Raises Broken where nobody recovers from it."""
        await self.load.under_way()
        await asyncio.sleep(self.chance.uniform(0, PAUSE))
        under_load = self.load.playing
        began = time.monotonic()
        await fault(self)
        await self.lookout.caught_up()
        struck = Struck(name, under_load, time.monotonic() - began)
        self.say(f"  {name}: caught up after {struck.seconds:.1f} s")
        return struck
