"""What the importer shows of its phases, one after the other."""

from __future__ import annotations

from typing import Protocol

from rich.console import Console

from scripts.commands.progress import Progress


class Report(Protocol):
    def begin(self, title: str, total: int) -> None:
        """A phase begins; the last one is over."""

    def advance(self) -> None: ...

    def say(self, line: str) -> None: ...

    def finish(self) -> None: ...


class Phases:
    """Each phase is a progress of its own, in whatever way that is drawn."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase: Progress | None = None
        self._done = self._total = 0

    def begin(self, title: str, total: int) -> None:
        self.finish()
        self._done, self._total = 0, total
        self._phase = Progress(title, "", self._console)
        self._phase.start()
        self._phase.at(0, total)

    def advance(self) -> None:
        self._done += 1
        if self._phase is not None:
            self._phase.at(self._done, self._total)

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)

    def finish(self) -> None:
        phase, self._phase = self._phase, None
        if phase is not None:
            phase.finish()


def on(console: Console) -> Report:
    return Phases(console)
