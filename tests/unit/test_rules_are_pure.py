"""Deciders, folds and reactions get the time with what they are asked; they don't look it up."""

import ast
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
GRAPH = grimp.build_graph("domains", "projections", cache_dir=None)
ACTS_ON_RULES = {"projections.reconciliation.worker", "projections.reconciliation.__main__"}
CLOCKS = {"now", "utcnow", "today", "fromtimestamp"}


def pure_modules() -> list[str]:
    """All that a domain.py imports, near or far, and every view."""
    wholes = sorted(GRAPH.find_matching_modules("domains.*.domain"))
    found = {m for whole in wholes for m in (whole, *GRAPH.find_upstream_modules(whole))}
    return sorted((found | GRAPH.find_matching_modules("projections.**")) - ACTS_ON_RULES)


def looks_at_a_clock(source: str) -> list[int]:
    """The lines that ask what time it is."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr in CLOCKS)
        or (isinstance(node, ast.Import) and any(name.name == "time" for name in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module in ("time", "bus.clock"))
    ]


@pytest.mark.parametrize("module", pure_modules())
def test_no_rule_looks_at_a_clock(module: str) -> None:
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert looks_at_a_clock(file.read_text()) == []


@pytest.mark.parametrize(
    "line",
    ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "import time"],
)
def test_looking_at_a_clock_would_be_noticed(line: str) -> None:
    assert looks_at_a_clock(f"x = 1\n{line}\n") == [2]


def test_the_rules_of_every_domain_are_looked_at() -> None:
    modules = pure_modules()
    assert {"domains.ordering.cancelling", "domains.catalog.product"} <= set(modules)


def test_views_know_of_the_domains_what_their_messages_say() -> None:
    known = {
        imported
        for view in GRAPH.find_matching_modules("projections.**")
        for imported in GRAPH.find_modules_directly_imported_by(view)
        if imported.startswith("domains.")
    }
    assert {name for name in known if not name.endswith(".messages")} == set()
