"""Units that left elsewhere: remembered by their order, and no part of any SKU's stock here."""

from __future__ import annotations

from datetime import datetime

from bus.decider import Refused
from bus.remembering import Remembering
from domains.inventory.messages import PastStockRecorded, RecordPastStock


def record(command: RecordPastStock, now: datetime) -> PastStockRecorded:
    if len({part.sku for part in command.parts}) < len(command.parts):
        raise Refused("PartTwice", "Each SKU is named once.")
    return PastStockRecorded(parts=command.parts)


PAST = Remembering(RecordPastStock, PastStockRecorded, record, "OrderExists", "PastOrder")
