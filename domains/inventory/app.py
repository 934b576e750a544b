"""Inventory's process: `python -m domains.inventory.app`."""

from bus.process import run
from domains.inventory.domain import DOMAIN

if __name__ == "__main__":
    run(DOMAIN)
