"""Where the domains' books disagree: facts, rules, and who acts on them."""

from projections.reconciliation.facts import VIEW

__all__ = ["VIEW"]
