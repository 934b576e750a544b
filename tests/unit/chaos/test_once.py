"""What the campaign says about commands that were lost, doubled or done by nobody."""

from __future__ import annotations

from collections import Counter

from scripts.chaos.once import differences


def test_each_accepted_command_done_once_is_as_it_must_be() -> None:
    assert list(differences("ordering", Counter("ab"), {"a", "b"})) == []


def test_what_was_doubled_lost_or_done_by_nobody_is_told() -> None:
    assert sorted(differences("ordering", Counter("aab"), {"a", "c"})) == [
        "ordering: a was done 2 times",
        "ordering: b was done, but not accepted",
        "ordering: c was accepted, but not done",
    ]
