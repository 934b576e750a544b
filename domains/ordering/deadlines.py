"""How long an order may stay in each of its states before somebody must look."""

from collections.abc import Mapping
from datetime import timedelta

DEADLINES: Mapping[str, timedelta] = {
    "placed": timedelta(hours=1),
    "awaiting_payment": timedelta(days=11),  # a day more than there is time to pay
    "confirmed": timedelta(days=14),
    "cancelling": timedelta(hours=1),
    "shipped": timedelta(days=60),
}
"""From the last news of it, from any service. The other states are ends."""
