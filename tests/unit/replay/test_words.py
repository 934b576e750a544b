"""What may be typed to a replay, and what is said where it may not."""

from __future__ import annotations

import pytest

from scripts.commands.exits import Exit
from scripts.replay import words


@pytest.mark.parametrize(("text", "times"), [("10x", 10.0), ("1x", 1.0), ("0.5x", 0.5), ("3", 3.0)])
def test_a_speed_is_a_number_of_times(text: str, times: float) -> None:
    assert words.speed(text) == times


@pytest.mark.parametrize("text", ["", "x", "0x", "-1x", "fast", "1e3x", "10 x", "nan", "infx"])
def test_what_is_no_speed_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(Exit, match=r"--speed is like 10x"):
        words.speed(text)


def test_a_stretch_ends_where_the_log_does_unless_told() -> None:
    assert words.stretch(1, None, 9, "ordering") == range(1, 10)
    assert words.stretch(3, 5, 9, "ordering") == range(3, 6)
    assert not words.stretch(10, None, 9, "ordering")
    assert not words.stretch(1, None, 0, "ordering")


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (0, None, "--from is a position"),
        (1, 10, "--to 10 is not there yet: ordering is at 9"),
        (5, 4, "--to 4 comes before --from 5"),
    ],
)
def test_a_stretch_that_is_not_there_is_refused(start: int, end: int | None, said: str) -> None:
    with pytest.raises(Exit, match=said):
        words.stretch(start, end, 9, "ordering")


@pytest.mark.parametrize(
    "text",
    [
        *("evt.x", "cmd.x", "submit.x", "refused.x", "qry.x", "log.x", "status.x", "live.x"),
        *("hint.x", "hole.x", "parked.x", "$JS.API.x", "$SYS", "_INBOX.x", "evt"),
    ],
)
def test_subjects_of_the_mesh_are_refused(text: str) -> None:
    with pytest.raises(Exit, match="belongs to the mesh"):
        words.subject(text)


@pytest.mark.parametrize("text", ["", ".", "a..b", "a.*", "a.>", "a b", "a.\n", "x" * 256])
def test_what_is_no_plain_subject_is_refused(text: str) -> None:
    with pytest.raises(Exit, match="without wildcards"):
        words.subject(text)


def test_a_subject_of_ones_own_is_taken() -> None:
    assert words.subject("replay.ordering") == "replay.ordering"
    assert words.subject("events") == "events"


def test_positions_of_a_view_name_its_streams() -> None:
    both = {"ordering", "payments"}
    assert words.positions("ordering=3, payments=0", both) == {"ordering": 3, "payments": 0}
    assert words.positions("", both) == {}
    for text in ("catalog=1", "ordering", "ordering=-1", "4"):
        with pytest.raises(Exit, match=r"of ordering, payments"):
            words.positions(text, both)
