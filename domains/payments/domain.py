"""Payments, whole: what a process runs and what a test drives."""

from bus.decider import Domain
from domains.payments.adjusting import SPANS
from domains.payments.calls import duties
from domains.payments.messages import CONTRACT
from domains.payments.past import PAST
from domains.payments.payment import PAYMENT
from domains.payments.reactions import REACTIONS
from domains.payments.settlement import SETTLEMENT

DOMAIN = Domain(
    contract=CONTRACT,
    deciders={"payment": PAST.beside(PAYMENT), "settlement": SETTLEMENT},
    spans=PAST.guard(SPANS),
    reactions=REACTIONS,
    duties=duties,
)
