"""What py-spy writes, as functions with their share."""

from __future__ import annotations

from scripts.bench.whole_profile import Hot, hottest

RAW = """\
main (app.py:1);run (loop.py:20);encode (envelope.py:81) 30
main (app.py:1);run (loop.py:21);encode (envelope.py:90) 30
main (app.py:1);run (loop.py:20) 40
"""


def test_a_functions_own_lines_are_added_up() -> None:
    assert hottest(RAW) == [Hot("encode (envelope.py)", 60.0), Hot("run (loop.py)", 40.0)]


def test_a_process_that_did_nothing_has_no_busy_function() -> None:
    assert hottest("") == []
