"""The view of this folder's page works as it stands there, and so does its test."""

import asyncio
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

PAGE = Path(__file__).parents[3] / "projections" / "README.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_view_of_the_page_passes_the_test_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    view, its_test = blocks()
    module = ModuleType("projections.carriers")
    exec(compile(view, "carriers.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "projections.carriers", module)
    names: dict[str, object] = {}
    exec(compile(its_test, "test_carriers.py", "exec"), names)
    test = names["test_a_carrier_counts_its_parcels"]
    assert callable(test)
    asyncio.run(test())


def test_the_view_of_the_page_is_short() -> None:
    assert len(blocks()[0].splitlines()) <= 40
