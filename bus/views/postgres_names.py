"""What a view's tables and their columns are called in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from bus.view import View

STORED = {str: 'text collate "C"', int: "bigint"}


def table(view: str, build: int) -> str:
    return f"view_{view}_b{build}"


def slots(view: View) -> Sequence[str]:
    return [f'"slot_{source.contract.domain}"' for source in view.sources]


def columns(view: View) -> Sequence[str]:
    return [f'"{name}"' for name in view.columns]


def positions(view: View) -> Sequence[str]:
    """Of a write that is remembered."""
    return [f'"at_{source.contract.domain}"' for source in view.sources]


def stored(view: View) -> Sequence[str]:
    """The slots and columns, with their types."""
    kinds = [STORED[kind] for kind in view.columns.values()]
    typed = [f"{name} {kind}" for name, kind in zip(columns(view), kinds, strict=True)]
    return [*(f"{slot} json" for slot in slots(view)), *typed]
