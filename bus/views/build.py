"""What a build is: one making of a view's rows from the first event on.

Builds of a view stand side by side, each with rows, checkpoints and parked events of its own. One
of them serves, which is to say that queries are answered from it.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple


class Stage(Enum):
    """What becomes of a build: made beside the one that serves, asked, and, once another has
    taken over, kept for a time, so that one can go back to it. A shadow is only made to be
    compared with."""

    MAKING = "making"
    SERVING = "serving"
    KEPT = "kept"
    SHADOW = "shadow"


class Build(NamedTuple):
    """One of a view's builds. Numbers count up; `version` is the view's, `shape` as in
    `bus.views.kept`, `since` when it came to its stage."""

    number: int
    version: int
    shape: str
    stage: Stage
    since: datetime


class Aim(Enum):
    """Which build a store is opened on, begun where there is none.

    `SERVE`: the one that serves, if it is of the view's version, else the one in the making.
    `REBUILD`: the one in the making, whatever serves. `AFRESH`: the same, but one that was
    begun before is dropped. `BACK`: the one that served before and is kept; it goes on from
    where it was. `ASKED`: the one that serves, of whatever version; nothing is begun.
    `SHADOW`: a new one, to compare with.
    """

    SERVE = "serve"
    REBUILD = "rebuild"
    AFRESH = "afresh"
    BACK = "back"
    ASKED = "asked"
    SHADOW = "shadow"
