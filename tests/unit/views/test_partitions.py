"""How keys fall to partitions, and partitions to workers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.views.members import shared_out
from bus.views.partitions import MOST, falling, holds, parts, whole
from tests.contract.views.sample import DEBTS

KEYS = st.text(min_size=1).filter(lambda key: key.isprintable())
WORKERS = st.sets(st.uuids().map(str), min_size=1, max_size=20)


def test_a_key_falls_where_it_always_fell() -> None:
    """What is kept rests on it: another answer would lose rows."""
    assert [falling(key, 4) for key in ("o-1001", "o-1002", "tea-1", "ż")] == [0, 2, 1, 3]


@given(KEYS, st.integers(1, MOST))
def test_a_key_falls_to_one_part(key: str, count: int) -> None:
    names = [f"debts__{number}of{count}" for number in range(count)]
    assert [name for name in names if holds(name, key)] == [names[falling(key, count)]]


def test_all_keys_fall_to_a_view_that_is_not_divided() -> None:
    assert parts(DEBTS) == [DEBTS]
    assert holds("debts", "b-1")


def test_parts_are_named_after_the_whole() -> None:
    names = [part.name for part in parts(replace(DEBTS, partitions=3))]
    assert names == ["debts__0of3", "debts__1of3", "debts__2of3"]
    assert {whole(name) for name in [*names, "debts"]} == {"debts"}


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_there_can_not_be_any_number_of_partitions(count: int) -> None:
    with pytest.raises(ValueError, match=f"'debts' can't have {count} partitions"):
        parts(replace(DEBTS, partitions=count))


def test_a_view_in_partitions_can_not_be_joined() -> None:
    divided = replace(DEBTS, name="many", partitions=2)
    with pytest.raises(ValueError, match="can't join 'many'"):
        parts(replace(DEBTS, joins=[divided]))


def test_a_name_needs_room_for_the_number() -> None:
    with pytest.raises(ValueError, match="at most 30 characters"):
        parts(replace(DEBTS, name="d" * 31, partitions=2))


@given(WORKERS, st.integers(1, MOST))
def test_each_worker_gets_as_many_give_or_take_one(workers: set[str], count: int) -> None:
    loads = Counter(dict.fromkeys(workers, 0))
    loads.update(shared_out(workers, count))
    assert loads.keys() == workers
    assert max(loads.values()) - min(loads.values()) <= 1


@given(WORKERS, st.integers(1, MOST))
def test_whoever_works_it_out_comes_to_the_same(workers: set[str], count: int) -> None:
    assert shared_out(workers, count) == shared_out(sorted(workers, reverse=True), count)


def test_when_one_goes_most_partitions_stay_where_they_are() -> None:
    workers = {f"worker-{number}" for number in range(8)}
    before, after = shared_out(workers, MOST), shared_out(workers - {"worker-3"}, MOST)
    moved = sum(one != other for one, other in zip(before, after, strict=True))
    assert MOST // 8 <= moved < MOST // 2
