"""What a process that sends a load says to the one that has started it.

A line when the time begins that counts, a line when it is over, and then the Run as JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import psutil

from bus.embedded import tied
from bus.variables import CHECKOUT
from scripts.bench.figures import Figure, Run, figure
from scripts.bench.usage import Usage

BEGUN, ENDED = "begun", "ended"
LINE = 1 << 26
"""Bytes that a Run's JSON may have."""


class Broken(Exception):
    """The process that sends the load has failed; the message is what it wrote."""


@contextmanager
def counting() -> Iterator[Callable[[], float]]:
    """Says both lines; gives the CPU seconds of this process in between."""
    print(BEGUN, flush=True)
    began = ended = time.process_time()
    yield lambda: ended - began
    ended = time.process_time()
    print(ENDED, flush=True)


def tell(run: Run) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(run) + b"\n")


async def ask(
    module: str,
    task: msgspec.Struct,
    parts: Mapping[str, psutil.Process],
    environment: Mapping[str, str],
) -> Figure:
    """What `python -m module` measures, beside what `parts` use. Raises Broken."""
    process = await asyncio.create_subprocess_exec(
        *_command(module),
        cwd=CHECKOUT,
        env=dict(environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.write(msgspec.json.encode(task))
    process.stdin.close()
    await process.stdout.readline()
    usage = Usage(parts)
    await process.stdout.readline()
    busy = usage.busy()
    said, errors = await asyncio.gather(process.stdout.read(), process.stderr.read())
    if await process.wait() != 0:
        raise Broken(f"{module} has failed:\n{errors.decode(errors='replace').strip()}")
    return figure(msgspec.json.decode(said, type=Run), busy)


def _command(module: str) -> Sequence[str]:
    return tied([sys.executable, "-P", "-m", module])
