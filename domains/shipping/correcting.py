"""Changing what was told of a parcel because reconciliation has found it wrong."""

from __future__ import annotations

from collections.abc import Sequence

from bus.decider import Refused
from bus.messages import Event
from domains.shipping.messages import (
    CorrectShipment,
    ParcelCorrected,
    ParcelWithdrawn,
    WithdrawParcel,
)
from domains.shipping.parcels import Parcel

Correction = CorrectShipment | WithdrawParcel


def correct(command: Correction, parcel: Parcel) -> Sequence[Event]:
    """What has left can't be withdrawn any more."""
    if isinstance(command, CorrectShipment):
        return [_corrected(command, parcel)]
    if parcel.stage != "planned":
        message = f"Parcel {command.parcel} of {command.id} is {parcel.stage}."
        raise Refused("HasLeft", message, stage=parcel.stage)
    return [
        ParcelWithdrawn(
            parcel=command.parcel, rule=command.rule, divergence_id=command.divergence_id
        )
    ]


def _corrected(command: CorrectShipment, parcel: Parcel) -> ParcelCorrected:
    return ParcelCorrected(
        parcel=command.parcel,
        surplus=command.surplus,
        lines=parcel.plan.lines,
        value=parcel.plan.value,
        rule=command.rule,
        divergence_id=command.divergence_id,
    )
