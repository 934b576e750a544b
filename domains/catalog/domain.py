"""The catalog, whole: what its process runs and its tests drive."""

from bus.decider import Domain
from domains.catalog.messages import CONTRACT
from domains.catalog.product import PRODUCT

DOMAIN = Domain(contract=CONTRACT, deciders={"product": PRODUCT})
