"""Reconciliation's process: `python -m domains.reconciliation.app`."""

from bus.process import run
from domains.reconciliation.domain import DOMAIN

if __name__ == "__main__":
    run(DOMAIN)
