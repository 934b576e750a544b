"""Payments, whole: what a process runs and what a test drives."""

from bus.decider import Domain
from domains.payments.calls import duties
from domains.payments.messages import CONTRACT
from domains.payments.past import PAST
from domains.payments.payment import PAYMENT
from domains.payments.reactions import REACTIONS

DOMAIN = Domain(
    contract=CONTRACT,
    deciders={"payment": PAST.beside(PAYMENT)},
    reactions=REACTIONS,
    duties=duties,
)
