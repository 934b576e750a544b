"""Every domain's contract, found by where it lies: a new folder is all it takes."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from bus.contract import Contract
from bus.variables import CHECKOUT


def all_contracts(package: str) -> Sequence[Contract]:
    """Of every `<package>/<name>/messages.py` in the checkout, by folder."""
    return [
        importlib.import_module(f"{package}.{path.parent.name}.messages").CONTRACT
        for path in sorted(CHECKOUT.glob(f"{package}/*/messages.py"))
    ]
