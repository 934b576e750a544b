"""Inventory, whole: what a process runs and what a test drives."""

from bus.decider import Domain
from domains.inventory.correcting import SPAN
from domains.inventory.messages import CONTRACT, CorrectBooks
from domains.inventory.past import PAST
from domains.inventory.reactions import REACTIONS
from domains.inventory.reservation import RESERVATION, SPANS
from domains.inventory.returning import SPANS as RETURNING
from domains.inventory.stock import STOCK

DOMAIN = Domain(
    contract=CONTRACT,
    deciders={"stock": STOCK, "reservation": PAST.beside(RESERVATION)},
    spans=PAST.guard({**SPANS, **RETURNING, CorrectBooks: SPAN}),
    reactions=REACTIONS,
)
