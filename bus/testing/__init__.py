"""Tools for testing a domain, from one rule to the whole mesh.

`given(DOMAIN, ...).when(...).then(...)` tests rules without any I/O (`scenario.py`);
`bus.testing.mesh` runs whole choreographies; `bus.testing.plugin` has pytest fixtures.
"""

from bus.testing.scenario import NOW, Given, Outcome, at, given

__all__ = ["NOW", "Given", "Outcome", "at", "given"]
