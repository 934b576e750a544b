"""The order in which a story is told, and who is said to have caused what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Raw

from bus.envelope import Envelope
from scripts.story.causes import cause_of
from scripts.story.telling import Chapter, Place, tell

START = datetime(2026, 1, 1, tzinfo=UTC)


def event(place: str, cause: str, second: int = 0, id: str = "") -> Chapter:
    domain, _, position = place.partition(":")
    envelope = Envelope(
        specversion="1.0",
        id=id or place,
        source=domain,
        type="Happened",
        subject="order/o-1",
        time=START + timedelta(seconds=second),
        version=1,
        dataversion=1,
        correlationid="c",
        causationid=cause,
        data=Raw(b"{}"),
    )
    return Chapter(Place(domain, int(position)), envelope, b"")


def outline(*chapters: Chapter) -> list[tuple[str, int]]:
    return [(str(one.chapter.place), one.depth) for one in tell(chapters)]


def test_a_parent_comes_before_its_children_whatever_the_clocks_say() -> None:
    late_parent = event("ordering:2", "cmd-1", second=9)
    assert outline(
        event("inventory:7", "ordering:2", second=1),
        event("payments:3", "inventory:7", second=0),
        late_parent,
    ) == [("ordering:2", 0), ("inventory:7", 1), ("payments:3", 2)]


def test_siblings_are_told_by_time_each_followed_by_its_own_children() -> None:
    assert outline(
        event("ordering:1", "cmd-1"),
        event("payments:5", "ordering:1", second=2),
        event("shipping:4", "ordering:1", second=1),
        event("inventory:9", "shipping:4", second=5),
    ) == [("ordering:1", 0), ("shipping:4", 1), ("inventory:9", 2), ("payments:5", 1)]


def test_events_of_one_moment_are_told_by_position() -> None:
    events = [event(f"inventory:{n}", "ordering:1") for n in (10, 9, 8)]
    assert [place for place, _ in outline(*events)] == [f"inventory:{n}" for n in (8, 9, 10)]


def test_what_names_its_cause_by_id_stands_below_it() -> None:
    asked = event("payments:1", "cmd-1", id="0199-aa")
    assert outline(event("payments:2", "payments:0199-aa", second=1), asked) == [
        ("payments:1", 0),
        ("payments:2", 1),
    ]


def test_events_whose_cause_is_not_at_hand_or_goes_round_in_a_circle_are_not_lost() -> None:
    told = outline(
        event("ordering:5", "catalog:99"),
        event("ordering:6", "ordering:7"),
        event("ordering:7", "ordering:6"),
    )
    assert told == [("ordering:5", 0), ("ordering:6", 0), ("ordering:7", 0)]


def test_a_command_from_outside_is_told_by_its_id() -> None:
    (told,) = tell([event("ordering:1", "cmd-1")])
    assert str(cause_of(told, {})) == "command cmd-1"
