"""How far something long is: a bar on a terminal, else a line now and then. On stderr."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console

SOON, EVERY = 1.0, 10.0
"""Seconds until the first line, and between later ones at most."""
DRAWN = 0.2
"""Seconds between two looks at whether there is something to show."""


class Progress:
    """`what` is counted in `unit`, if that has a name. Says at its end how many there were, and
    how fast."""

    def __init__(self, what: str, unit: str, console: Console) -> None:
        self._what = what
        self._unit = f" {unit}" if unit else ""
        self._console = console
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn(f"{{task.completed:,.0f}} of {{task.total:,.0f}}{self._unit}"),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
            console=console,
            refresh_per_second=4,
            transient=True,
        )
        self._task = self._bar.add_task(what, total=0, rate="")
        self._began = self._said = time.monotonic()
        self._drawn = 0.0
        self._pause = SOON
        self._done = self._total = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish()

    def start(self) -> None:
        """For whoever has no block to enter; `finish` then ends it."""
        if self._console.is_terminal:
            self._bar.start()

    def finish(self) -> None:
        if self._console.is_terminal:
            self._bar.stop()
        seconds = time.monotonic() - self._began
        of = f" of {self._total:,}" if self._done < self._total else ""
        self._say(f"{self._what}: {self._done:,}{of}{self._unit} in {seconds:.1f} s, {self._rate}")

    def at(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if done < total and time.monotonic() - self._drawn < DRAWN:
            return  # who counts single events must not draw each
        self._drawn = time.monotonic()
        if self._console.is_terminal:
            self._bar.update(self._task, completed=done, total=total, rate=self._rate)
        elif time.monotonic() - self._said > self._pause:
            self._said = time.monotonic()
            self._pause = min(2 * self._pause, EVERY)
            left = (self._said - self._began) * (total - done) / max(done, 1)
            self._say(
                f"{self._what}: {done:,} of {total:,}{self._unit}, {self._rate}, {left:.0f} s left"
            )

    @property
    def _rate(self) -> str:
        seconds = time.monotonic() - self._began
        return f"{self._done / seconds:,.0f}/s" if seconds else ""

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)
