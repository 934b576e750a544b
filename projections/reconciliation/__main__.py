"""The process `view-reconciliation`: keeps the facts, and acts on them."""

from datetime import timedelta

from bus.broker.port import Broker
from bus.settings import Settings
from bus.views.process import run
from bus.views.worker import Beside
from projections.reconciliation.facts import VIEW
from projections.reconciliation.worker import Reconciler


def reconciler(settings: Settings, broker: Broker) -> Beside:
    return Reconciler(broker, timedelta(seconds=settings.grace_seconds)).run


if __name__ == "__main__":
    run(VIEW, reconciler)
