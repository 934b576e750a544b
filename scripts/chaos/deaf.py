"""Runs a domain or a view as ever, but that it does nothing about events that it is deaf to.

    TRUEUP_HOME=… python -m scripts.chaos.deaf domains.ordering.app

The supervisor runs everybody through this where TRUEUP_THROUGH names it. What reconciliation asks
for is done: a reaction is lost once.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from bus import process
from bus.decider import Domain, Reaction
from bus.envelope import Recorded
from bus.messages import Command
from bus.process import DomainProcess

THROUGH = {"TRUEUP_THROUGH": "scripts.chaos.deaf"}
"""What the mesh must know, so that its processes are deaf to what is set down for them."""


class Ears(NamedTuple):
    """What `domain` is deaf to: the events of `upstream`, by type and id. Kept as files in the
    mesh's home, so that they may be set down while everybody runs."""

    home: Path
    domain: str
    upstream: str

    def close(self, event: str, id: str) -> None:
        file = self._file(event, id)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def closed(self, event: str, id: str) -> bool:
        return self._file(event, id).exists()

    def _file(self, event: str, id: str) -> Path:
        return self.home / "deaf" / self.domain / self.upstream / f"{event}.{id}"


def _deafened(reaction: Reaction, home: Path, domain: str) -> Reaction:
    ears = Ears(home, domain, reaction.upstream.domain)

    def react(recorded: Recorded[Any]) -> Iterable[Command]:
        return () if ears.closed(recorded.type, recorded.id) else reaction.react(recorded)

    return replace(reaction, react=react)


def _process(domain: Domain, *rest: Any, **more: Any) -> DomainProcess:
    """In place of DomainProcess."""
    home = Path(os.environ["TRUEUP_HOME"])
    reactions = [_deafened(each, home, domain.name) for each in domain.reactions]
    return DomainProcess(replace(domain, reactions=reactions), *rest, **more)


def main() -> None:
    module = sys.argv.pop(1)
    with patch.object(process, "DomainProcess", _process):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
