"""The catalog's process: `python -m domains.catalog.app`."""

from bus.process import run
from domains.catalog.domain import DOMAIN

if __name__ == "__main__":
    run(DOMAIN)
