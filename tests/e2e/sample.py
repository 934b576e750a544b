"""The real orders that tests play: they are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bus.variables import CHECKOUT

SAMPLE = Path(os.environ.get("TRUEUP_OLIST") or CHECKOUT.parent / "shared/data/olist-sample")

needs_sample = pytest.mark.skipif(
    not SAMPLE.is_dir(), reason=f"no real orders in {SAMPLE}: name their folder in TRUEUP_OLIST"
)
