"""What reconciliation has found in the past, and what has become of it: read from its stream as
plain JSON, and held against what the files say it must find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from msgspec import Struct

from bus.broker.port import Broker
from bus.contract import Contract
from bus.reader import Reader
from bus.store.port import START
from scripts.olist.expected_history import Rule
from scripts.olist.sides import Section, compare

NAMES: Mapping[str, str] = {
    "money kept for a cancelled order": "past-money-kept-for-cancelled",
    "paid without items": "past-paid-without-items",
    "items without payment": "past-items-without-payment",
    "paid a rounding apart": "past-rounding",
    "overpaid": "past-overpaid",
    "underpaid": "past-underpaid",
    "delivered without a carrier date": "past-no-carrier-date",
    "delivered without a date of delivery": "past-no-delivery-date",
    "left before approval": "past-left-before-approval",
    "left without approval": "past-left-without-approval",
}
"""What the files' rules are called in reconciliation; of the others only the last word differs."""
STAGES: Mapping[str, str] = {
    "DivergenceDetected": "open",
    "DivergenceReopened": "open",
    "CompensationRequested": "being made right",
    "DivergenceEscalated": "waiting for a person",
    "DivergenceResolved": "right again",
    "DivergenceDismissed": "dismissed",
}
OVER = ("right again", "dismissed")


def name_of(rule: str) -> str:
    if rule in NAMES:
        return NAMES[rule]
    return f"past-never-finished-{rule.removeprefix('never finished: ')}"


@dataclass(frozen=True, slots=True)
class Divergence:
    """One that was found, as far as it has come; in cents of BRL."""

    rule: str
    order: str
    cents: int
    stage: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a rule should find, all that it has found, and what has become of that: orders and
    cents by stage."""

    rule: Rule
    found: tuple[int, int]
    stages: Mapping[str, tuple[int, int]]

    @property
    def open(self) -> tuple[int, int]:
        """What is not over yet."""
        left = [sums for stage, sums in self.stages.items() if stage not in OVER]
        return sum(orders for orders, _ in left), sum(cents for _, cents in left)


class _Told(Struct):
    subject: str
    data: dict[str, Any]


_decoder = msgspec.json.Decoder(_Told)


async def divergences(broker: Broker) -> Sequence[Divergence]:
    """All of the past that there are now."""
    found: dict[str, Divergence] = {}
    async with aclosing(Reader(broker, Contract("reconciliation", {}, {})).follow(START)) as all:
        async for batch in all:
            for delivered in batch:
                if delivered.type in STAGES:
                    _note(found, delivered.type, _decoder.decode(delivered.body))
            if not batch:
                break
    return [*found.values()]


def _note(found: dict[str, Divergence], type: str, told: _Told) -> None:
    rule, stage = told.data["rule"], STAGES[type]
    if not rule.startswith("past-"):
        return
    if stage == "open":
        amount = told.data["amount"]
        cents = amount["amount"] if amount else 0
        found[told.subject] = Divergence(rule, told.data["of"]["id"], cents, stage)
    elif told.subject in found:
        found[told.subject] = replace(found[told.subject], stage=stage)


def sections(rules: Sequence[Rule], found: Sequence[Divergence]) -> Sequence[Section]:
    """Each order that was found by each rule, and what it comes to: no more, no less."""
    wanted = {f"{name_of(rule.name)}/{id}": cents for rule in rules for id, cents in rule.amounts}
    there = {f"{each.rule}/{each.order}": each.cents for each in found}
    return [
        compare("what is found", "count", dict.fromkeys(wanted, 1), dict.fromkeys(there, 1)),
        compare("what that comes to", "cents", wanted, there),
    ]


def reconciled(rules: Sequence[Rule], found: Sequence[Divergence]) -> Sequence[Reconciled]:
    """By the files' rules; what no rule of theirs finds is only among the `sections`."""
    return [
        _of(rule, [each for each in found if each.rule == name_of(rule.name)]) for rule in rules
    ]


def _of(rule: Rule, found: Sequence[Divergence]) -> Reconciled:
    stages = {stage: _sums(found, stage) for stage in dict.fromkeys(STAGES.values())}
    return Reconciled(rule, _sums(found), {s: sums for s, sums in stages.items() if sums[0]})


def _sums(found: Sequence[Divergence], stage: str = "") -> tuple[int, int]:
    of = [each for each in found if stage in ("", each.stage)]
    return len(of), sum(each.cents for each in of)
