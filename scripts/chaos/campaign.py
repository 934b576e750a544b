"""Plays scenarios, each in a mesh of its own, and adds up what was seen."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.chaos.load import Load
from scripts.chaos.lookout import watching
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.scenarios import Scenario
from scripts.chaos.scene import Scene, Struck

Say = Callable[[str], None]


class Outcome(NamedTuple):
    """`broken` says what does not hold, "" where everything does; `kept` is the mesh's folder
    where it was left for a look. `seconds` is how long everything took."""

    scenario: str
    struck: Sequence[Struck]
    proven: Sequence[str]
    broken: str
    kept: Path | None
    imports: int
    seconds: float


async def play(
    scenario: Scenario, files: Path, seed: str, say: Say, *, keep: bool = False
) -> Outcome:
    """One round of a scenario. The mesh is taken down; where all holds, and nobody wants to
    `keep` its folder, that is removed."""
    folder = Path(tempfile.mkdtemp(prefix="trueup-chaos-"))
    mesh = Mesh(folder, scenario.environment)
    load = Load(mesh, files)
    struck: list[Struck] = []
    proven: Sequence[str] = ()
    broken = ""
    began = time.monotonic()
    try:
        await mesh.up(scenario.scale)
        async with watching(mesh) as lookout:
            scene = Scene(mesh, load, lookout, random.Random(seed), say)
            await _strike(scenario, scene, struck)
            proven = await scenario.ending(scene)
    except Broken as error:
        broken = str(error)
    finally:
        await load.stop()
        await mesh.down()
        kept = folder if broken or keep else None
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
    seconds = time.monotonic() - began
    return Outcome(scenario.name, struck, proven, broken, kept, load.runs, seconds)


async def _strike(scenario: Scenario, scene: Scene, struck: list[Struck]) -> None:
    scene.load.start()
    await scene.lookout.moving(scene.load)
    if scenario.before is not None:
        await scenario.before(scene)
    for name, fault in scenario.faults(scene):
        struck.append(await scene.strike(name, fault))
