"""What every simulation has in common."""

from __future__ import annotations

import pytest

from bus import guesses


@pytest.fixture(autouse=True)
def soon_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that guesses are made in short histories, too, and are wrong now and then."""
    monkeypatch.setattr(guesses, "CERTAIN", 2)
