"""Every domain's contract, found by where it lies: a new folder is all it takes."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from bus.contract import Contract
from bus.variables import CHECKOUT


def all_contracts() -> Sequence[Contract]:
    """Of every `domains/<name>/messages.py`, by folder."""
    return [
        importlib.import_module(f"domains.{path.parent.name}.messages").CONTRACT
        for path in sorted(CHECKOUT.glob("domains/*/messages.py"))
    ]
