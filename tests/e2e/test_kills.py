"""A whole mesh under load, with one process after the other killed; then everything adds up.

A part of the campaign: all of it is `python -m scripts.chaos FOLDER`. The data set is not part
of the project: TRUEUP_OLIST names a folder that has it.
"""

from __future__ import annotations

from scripts.chaos.campaign import play
from scripts.chaos.scenarios import ALL
from tests.e2e.sample import SAMPLE, needs_sample

SHORT = next(scenario for scenario in ALL if scenario.name == "short")
SEED = "the same in each run"

pytestmark = needs_sample


async def test_whoever_is_killed_everything_adds_up_in_the_end() -> None:
    outcome = await play(SHORT, SAMPLE, SEED, print)

    assert outcome.broken == ""
    assert [struck.fault for struck in outcome.struck if struck.under_load] == [
        "kill -9 ordering after store.write",
        "kill -9 importer",
        "kill -9 view-orders",
        "kill -9 nats-server",
        "kill -9 postgres",
    ]
    assert len(outcome.proven) == 8
