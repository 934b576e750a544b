"""The view `cuts`: positions in all domains that belong together, at a time or around an event.

A cut shows no effect without its cause: no reservation without the order that asked for it.
Raise VERSION where a domain has been replaced by another, or has gone; one more is noticed.
"""

from bus.contracts import all_contracts
from bus.cuts.view import cuts

VERSION = 1
VIEW = cuts(all_contracts("domains"), version=VERSION)

if __name__ == "__main__":
    from bus.views.process import run

    run(VIEW)
