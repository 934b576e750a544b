"""Shipping, whole: what a process runs and what a test drives."""

from bus.decider import Domain
from domains.shipping.messages import CONTRACT
from domains.shipping.past import PAST
from domains.shipping.reactions import REACTIONS
from domains.shipping.shipment import SHIPMENT

DOMAIN = Domain(
    contract=CONTRACT, deciders={"shipment": PAST.beside(SHIPMENT)}, reactions=REACTIONS
)
