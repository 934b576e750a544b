"""Compares a build with the one that serves, stretch by stretch, each at the same positions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

from bus.views.port import ViewStore
from bus.views.shadow import Shadow

KEYS = 2000
"""Keys compared at once."""
ALL = 2**31 - 1
PAUSE = 0.05
"""Seconds until another look at where the other build is: it tells nobody."""


class Stretch(NamedTuple):
    """How many keys were compared, and those of them that differ, in order."""

    keys: int
    differing: Sequence[str]


async def compared(shadow: Shadow, asked: ViewStore) -> AsyncGenerator[Stretch]:
    """All keys of both; ends early where the shadow's build has come to serve itself."""
    after = ""
    while True:
        theirs = await asked.digests(after, most=KEYS)
        await shadow.advance(theirs.positions)
        ours = await shadow.store.digests(after, upto=theirs.end, most=ALL)
        if ours.positions != theirs.positions:
            # Somebody else has gone on with this build, or it has taken over.
            await shadow.builder.look()
            if shadow.builder.serving:
                return
            await asyncio.sleep(PAUSE)
            continue
        keys = ours.of.keys() | theirs.of.keys()
        differing = sorted(key for key in keys if ours.of.get(key) != theirs.of.get(key))
        yield Stretch(len(keys), differing)
        if not theirs.end:
            return
        after = theirs.end
