"""A domain's events in a row, held against the hash chain of its store."""

from __future__ import annotations

import hashlib

from scripts.audit.trail import Trail

BODIES = [
    b'{"type":"Billed","source":"bills","subject":"bill/b-1","version":%d,'
    b'"time":"2026-01-01T00:00:00Z","data":{}}' % version
    for version in (1, 2, 3)
]


def chain(*bodies: bytes) -> bytes:
    digest = bytes(32)
    for body in bodies:
        digest = hashlib.sha256(digest + body).digest()
    return digest


def read(trail: Trail, *bodies: bytes) -> Trail:
    for body in bodies:
        trail.take(trail.position + 1, body)
    return trail


def said(trail: Trail) -> list[str]:
    return [finding.said for finding in trail.findings()]


def test_a_stream_that_holds_what_its_store_does_is_proved() -> None:
    trail = read(Trail("bills"), *BODIES)
    trail.expect(3, chain(*BODIES), before=3)
    assert (trail.proved, said(trail)) == (3, [])


def test_a_store_that_is_further_is_waited_for() -> None:
    trail = read(Trail("bills"), BODIES[0])
    trail.expect(3, chain(*BODIES), before=1)
    assert trail.proved == 0
    read(trail, *BODIES[1:])
    assert (trail.proved, said(trail)) == (3, [])


def test_one_byte_that_differs_is_told_once() -> None:
    trail = read(Trail("bills"), *BODIES[:2])
    trail.expect(2, chain(BODIES[0], BODIES[1] + b" "), before=2)
    read(trail, BODIES[2])
    trail.expect(3, chain(*BODIES), before=3)
    trail.expect(3, bytes(32), before=3)
    assert said(trail) == ["the hash chains differ at position 2"]


def test_a_stream_that_is_ahead_of_its_store() -> None:
    trail = read(Trail("bills"), *BODIES)
    trail.expect(2, chain(*BODIES[:2]), before=3)
    assert said(trail) == ["the stream holds 3 events, the store 2"]


def test_what_was_read_while_the_store_was_asked_is_no_stream_ahead() -> None:
    trail = read(Trail("bills"), *BODIES)
    trail.expect(2, chain(*BODIES[:2]), before=2)
    assert said(trail) == []


def test_an_event_of_another_domain() -> None:
    trail = read(Trail("debts"), BODIES[0])
    assert said(trail) == ["1: its source is bills"]


def test_many_faults_are_counted_not_named() -> None:
    trail = read(Trail("bills"), *[b"x"] * 30)
    assert trail.faults == 30
    assert said(trail)[-1] == "10 more"
