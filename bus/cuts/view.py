"""A view of all domains' streams that finds consistent cuts: where time travel starts."""

from __future__ import annotations

from collections.abc import Sequence

from bus.contract import Contract
from bus.cuts.asking import Asking, At
from bus.cuts.folding import Fold, Run, row
from bus.cuts.layout import Layout
from bus.view import Query, Source, View

MOST_DOMAINS = 1000


def cuts(
    contracts: Sequence[Contract],
    *,
    version: int,
    name: str = "cuts",
    layout: Layout | None = None,
) -> View:
    """The view over the streams of `contracts`, which answers `qry.<name>.at`.

    Only envelopes are read, so no domain's messages matter. Its rows are made anew when a
    domain is added: that raises the view's version by itself. Raise `version` where one
    domain has been replaced by another, or has gone.
    """
    layout = layout or Layout()
    domains = sorted(contract.domain for contract in contracts)
    return View(
        name=name,
        version=version * MOST_DOMAINS + len(domains),
        sources=[Source(contract, Run, envelopes=True) for contract in contracts],
        keys=layout.keys,
        fold=Fold(domains, layout),
        row=row,
        queries=[
            Query("at", Asking(domains, layout), At, example='{"time":"2026-01-31T12:00:00Z"}')
        ],
    )
