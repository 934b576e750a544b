"""Shipping's process: `python -m domains.shipping.app`."""

from bus.process import run
from domains.shipping.domain import DOMAIN

if __name__ == "__main__":
    run(DOMAIN)
