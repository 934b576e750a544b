"""Ordering, whole: what its process runs and its tests drive."""

from bus.decider import Domain
from domains.ordering.duties import duties
from domains.ordering.messages import CONTRACT, PlaceOrder
from domains.ordering.order import ORDER
from domains.ordering.past import PAST
from domains.ordering.placing import PLACING
from domains.ordering.price import PRICE
from domains.ordering.reactions import REACTIONS

DOMAIN = Domain(
    contract=CONTRACT,
    deciders={"order": PAST.beside(ORDER), "price": PRICE},
    spans={PlaceOrder: PLACING},
    reactions=REACTIONS,
    duties=duties,
)
