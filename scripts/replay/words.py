"""What is typed to a replay: a speed, positions, a subject. Each raises Exit with its rule."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from scripts.commands.exits import USAGE, Exit

OURS = {
    *("evt", "cmd", "submit", "refused", "qry", "log", "status", "live", "hint", "hole"),
    *("parked", "_INBOX"),
}
"""First tokens of subjects that somebody of the mesh listens to, and of streams."""

_speed = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)x?")
_token = re.compile(r"[^\s.*>\x00-\x1f\x7f]+")
_pair = re.compile(r"([a-z][a-z0-9_]*)=([0-9]{1,18})")


def speed(text: str) -> float:
    """How many times as fast as it happened."""
    match = _speed.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise Exit(USAGE, f"--speed is like 10x, 1x or 0.5x, more than nothing: not {text!r}.")
    return float(match[1])


def subject(text: str) -> str:
    """One that is nobody's of the mesh."""
    tokens = text.split(".")
    if not all(map(_token.fullmatch, tokens)) or len(text) > 255:
        raise Exit(USAGE, f"--into is a subject without wildcards or spaces, not {text!r}.")
    if tokens[0] in OURS or tokens[0].startswith("$"):
        raise Exit(
            USAGE,
            f"--into can't be {text}: {tokens[0]}.… belongs to the mesh, and what is replayed "
            f"would be taken for new. Take one of your own, as replay.{tokens[-1]}.",
        )
    return text


def stretch(start: int, end: int | None, head: int, domain: str) -> range:
    """The positions from `start` up to `end`, which is the log's last where it is not given."""
    if start < 1:
        raise Exit(USAGE, f"--from is a position, 1 or more, not {start}.")
    last = head if end is None else end
    if last > head:
        raise Exit(USAGE, f"--to {last} is not there yet: {domain} is at {head}.")
    if end is not None and end < start:
        raise Exit(USAGE, f"--to {end} comes before --from {start}.")
    return range(start, last + 1)


def number(text: str | None) -> int | None:
    """A position, as `--to` takes it for one domain."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise Exit(USAGE, f"--to is a position of the domain, 1 or more, not {text!r}.")
    return int(text)


def positions(text: str, domains: Collection[str]) -> Mapping[str, int]:
    """By domain, as `--to` takes them for a view, which follows `domains`."""
    found = {}
    for part in filter(None, text.split(",")):
        match = _pair.fullmatch(part.strip())
        if match is None or match[1] not in domains:
            names = ", ".join(sorted(domains))
            raise Exit(USAGE, f"--to is like ordering=4711,payments=12, of {names}: not {part!r}.")
        found[match[1]] = int(match[2])
    return found
