"""Reconciliation, whole: what its process runs and its tests drive."""

from bus.decider import Domain
from domains.reconciliation.deciding import SPANS
from domains.reconciliation.divergence import DIVERGENCE
from domains.reconciliation.limits import LIMITS
from domains.reconciliation.messages import CONTRACT

DOMAIN = Domain(
    contract=CONTRACT,
    deciders={"divergence": DIVERGENCE, "limits": LIMITS},
    spans=SPANS,
)
