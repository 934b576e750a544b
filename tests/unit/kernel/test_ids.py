"""Identifiers: time-ordered UUIDs, never the same one twice."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

from bus.clock import DRAWN, uuid7

MANY = 4 * DRAWN


def test_ids_are_uuids_of_version_7_and_say_when_they_were_made() -> None:
    before = time.time_ns() // 1_000_000
    ids = [uuid7() for _ in range(MANY)]
    after = time.time_ns() // 1_000_000
    for id in ids:
        parsed = UUID(id)
        assert (str(parsed), parsed.version, parsed.variant) == (id, 7, RFC_4122)
        assert before <= parsed.int >> 80 <= after


def test_threads_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        ids = [id for made in threads.map(_several, range(64)) for id in made]
    assert len(set(ids)) == len(ids)


def _several(_: int) -> list[str]:
    return [uuid7() for _ in range(MANY // 8)]


def test_a_fork_does_not_repeat_its_parents_ids() -> None:
    uuid7()  # others are drawn along with it
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, uuid7().encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read()[14:] != uuid7()[14:]
