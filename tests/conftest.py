from __future__ import annotations

from bus import garbage

YOUNG = 100_000
"""Objects of one test, which has a mesh of its own, before they are looked through for cycles."""

pytest_plugins = ["bus.testing.plugin"]


def pytest_collection_finish() -> None:
    """All that has been imported stays to the end: to look through it for cycles again and again
    takes a tenth of the simulations' time."""
    garbage.settle(YOUNG)
