"""The audit: derives from the raw streams alone that stock and money are conserved.

It imports no domain and no view, and shares none of their rules: what an event means is worked
out here once more, from its JSON. So a bug in a domain is not repeated by the one who looks for it.
"""
