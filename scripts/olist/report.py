"""What the importer shows: bars on a terminal, plain lines where it is piped."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

SOON, EVERY = 0.5, 5.0
"""Seconds until the first plain line of a phase, and between two later on."""


class Report(Protocol):
    def begin(self, title: str, total: int) -> None:
        """A phase begins; the last one is over."""

    def advance(self) -> None: ...

    def say(self, line: str) -> None: ...

    def finish(self) -> None: ...


class Lines:
    """One line when a phase begins, one every few seconds, one when it is over."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._title = ""

    def begin(self, title: str, total: int) -> None:
        self.finish()
        self._title, self._total, self._done = title, total, 0
        self._began = self._said = time.monotonic()
        self._pause = SOON

    def advance(self) -> None:
        self._done += 1
        if self._done % 16 == 0 and time.monotonic() - self._said > self._pause:
            self._pause = min(2 * self._pause, EVERY)
            self._progress()

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)

    def finish(self) -> None:
        if self._title:
            self._progress()
            self._title = ""

    def _progress(self) -> None:
        self._said = time.monotonic()
        seconds = self._said - self._began
        rate = self._done / seconds if seconds else 0.0
        self.say(f"{self._title}: {self._done} of {self._total}, {seconds:.1f} s, {rate:.0f}/s")


class Bars:
    """A bar for each phase, drawn at most four times a second."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>8}"),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=4,
        )
        self._task: TaskID | None = None
        self._total = 0
        self._done = 0
        self._began = self._drawn = 0.0

    def begin(self, title: str, total: int) -> None:
        if self._task is None:
            self._progress.start()
        else:
            self._draw()
        self._total, self._done = total, 0
        self._began = self._drawn = time.monotonic()
        self._task = self._progress.add_task(title, total=total, rate="")

    def advance(self) -> None:
        self._done += 1
        if time.monotonic() - self._drawn > 0.25:
            self._draw()

    def say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False, soft_wrap=True)

    def finish(self) -> None:
        if self._task is not None:
            self._draw()
            self._progress.stop()
            self._task = None

    def _draw(self) -> None:
        if self._task is None:
            return
        self._drawn = time.monotonic()
        seconds = self._drawn - self._began
        rate = f"{self._done / seconds:.0f}/s" if seconds else ""
        self._progress.update(self._task, completed=self._done, rate=rate)


def on(console: Console) -> Report:
    return Bars(console) if console.is_terminal else Lines(console)
