"""The view follows whatever domains there are."""

from __future__ import annotations

from bus.cuts.view import cuts
from projections.cuts import VIEW
from scripts.supervisor import discovery
from tests.unit.cuts.histories import CONTRACTS


def test_a_further_domain_makes_a_later_version() -> None:
    fewer, all_of_them = cuts(CONTRACTS[:2], version=1), cuts(CONTRACTS, version=1)
    assert fewer.version < all_of_them.version < cuts(CONTRACTS[:1], version=2).version


def test_the_shops_view_follows_every_domain_that_runs() -> None:
    assert sorted(source.contract.domain for source in VIEW.sources) == discovery.domains()
