"""Where the time of each process goes, as py-spy sees it from outside."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import psutil
from msgspec import Struct

from scripts.chaos.lookout import Lookout
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.until import until

RATE = 100
"""Looks a second."""
SHOWN = 6
"""Functions of each process, at most."""
KINDS = ("domain", "view", "provider")


class Hot(Struct, frozen=True):
    """A function with what it does itself, in percent of the process's busy time."""

    function: str
    percent: float


async def taken(mesh: Mesh, lookout: Lookout, seconds: int) -> Mapping[str, Sequence[Hot]]:
    """Of every process of ours, at the same time, once orders are played."""
    if not seconds:
        return {}
    await until(partial(_begun, lookout))
    names = mesh.names(*KINDS)
    profiles = await asyncio.gather(*(_profile(mesh, name, seconds) for name in names))
    return dict(zip(names, profiles, strict=True))


async def _begun(lookout: Lookout) -> bool:
    return bool(((await lookout.heads()) or {}).get("ordering"))


async def _profile(mesh: Mesh, name: str, seconds: int) -> Sequence[Hot]:
    pid, _ = await mesh.running(name)
    raw = mesh.home.path / f"{name}.spy"
    spy = Path(sys.executable).with_name("py-spy")
    spying = await asyncio.create_subprocess_exec(
        *(str(spy), "record", "--format", "raw", "--nonblocking"),
        *("--rate", str(RATE), "--duration", str(seconds)),
        *("--pid", str(_python(pid)), "--output", str(raw)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await spying.communicate()
    if spying.returncode:
        raise Broken(f"py-spy can't look at {name}: {errors.decode().strip()}")
    return hottest(raw.read_text())


def hottest(raw: str) -> Sequence[Hot]:
    """From py-spy's raw format: lines of stacks, `outer;…;inner count`."""
    own: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        own[stack.rpartition(";")[2].rpartition(":")[0] + ")"] += int(count)
    total = own.total() or 1
    return [Hot(name, 100 * count / total) for name, count in own.most_common(SHOWN)]


def _python(pid: int) -> int:
    """The process itself, which may run behind a wrapper."""
    children = psutil.Process(pid).children()
    return children[0].pid if children else pid
