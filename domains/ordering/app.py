"""Ordering's process: `python -m domains.ordering.app`."""

from bus.process import run
from domains.ordering.domain import DOMAIN

if __name__ == "__main__":
    run(DOMAIN)
