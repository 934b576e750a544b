"""The causal order of events: a parent before its children, siblings by time. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from bus.envelope import Envelope


class Place(NamedTuple):
    domain: str
    position: int

    def __str__(self) -> str:
        return f"{self.domain}:{self.position}"


class Chapter(NamedTuple):
    """An event with its stored bytes."""

    place: Place
    envelope: Envelope
    body: bytes


class Told(NamedTuple):
    """`depth` counts the causes before it; `cause` is None where a command from outside, or
    what is not at hand, has caused it."""

    chapter: Chapter
    depth: int
    cause: Chapter | None


def causing_place(envelope: Envelope) -> Place | None:
    """The event that has caused it, where it is named by its position."""
    domain, _, number = envelope.causationid.rpartition(":")
    return Place(domain, int(number)) if domain and number.isdecimal() else None


def same_decision(one: Envelope, other: Envelope) -> bool:
    """Whether one command has brought about both: they then stand side by side in the log."""
    ours, theirs = (one.causationid, one.correlationid), (other.causationid, other.correlationid)
    return ours == theirs


def tell(chapters: Collection[Chapter]) -> Sequence[Told]:
    """All of them, each once."""
    causes = _causes(chapters)
    children: defaultdict[Place | None, list[Chapter]] = defaultdict(list)
    for chapter in sorted(chapters, key=_when):
        cause = causes[chapter.place]
        children[cause.place if cause else None].append(chapter)
    told: list[Told] = []
    waiting = [(chapter, 0) for chapter in reversed(children[None])]
    while waiting:
        chapter, depth = waiting.pop()
        told.append(Told(chapter, depth, causes[chapter.place]))
        waiting += [(child, depth + 1) for child in reversed(children[chapter.place])]
    return [*told, *_circles(chapters, told)]


def _causes(chapters: Collection[Chapter]) -> dict[Place, Chapter | None]:
    """A deadline or an outside call names the event that started it by its id."""
    by_place = {chapter.place: chapter for chapter in chapters}
    by_id = {f"{c.place.domain}:{c.envelope.id}": c for c in chapters}
    found: dict[Place, Chapter | None] = {}
    for chapter in chapters:
        place = causing_place(chapter.envelope)
        named = by_place.get(place) if place else by_id.get(chapter.envelope.causationid)
        found[chapter.place] = named
    return found


def _circles(chapters: Collection[Chapter], told: Sequence[Told]) -> Iterator[Told]:
    """Events that claim to have caused each other, as after a restored backup: not lost."""
    seen = {one.chapter.place for one in told}
    for chapter in sorted(chapters, key=_when):
        if chapter.place not in seen:
            yield Told(chapter, 0, None)


def _when(chapter: Chapter) -> tuple[object, ...]:
    return (chapter.envelope.time, chapter.place.domain, chapter.place.position)
