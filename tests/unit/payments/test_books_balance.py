"""However parcels, cancellations and the provider's answers interleave, the books balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from bus.messages import Command
from bus.testing import NOW
from domains.payments.messages import (
    CapturePayments,
    CollectPayments,
    ParcelUnpaid,
    PaymentsFailed,
    PaymentsSecured,
    PaymentType,
    RefundBooked,
    RefundPayments,
)
from domains.payments.payment import PAYMENT
from tests.unit.payments.examples import eur, free, stop
from tests.unit.payments.world import World

TYPES: Sequence[PaymentType] = ("credit_card", "boleto", "voucher", "debit_card")
PAYMENTS = st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 500)), min_size=1, max_size=4)


class Play:
    """An order's payments and the world that they talk to."""

    def __init__(self, payments: Sequence[tuple[PaymentType, int]], world: World) -> None:
        self.world = world
        self.books: Any = PAYMENT.initial
        self.told: Counter[type] = Counter()
        self.owed = 0
        self.take(
            CollectPayments(
                customer_id="c-7",
                total=eur(sum(amount for _, amount in payments)),
                types=[type for type, _ in payments],
                amounts=[eur(amount) for _, amount in payments],
                installments=[1] * len(payments),
                tokens=[""] * len(payments),
            )
        )

    def take(self, command: Command) -> None:
        for event in PAYMENT.decide(command, self.books, NOW):
            self.books = PAYMENT.evolve(self.books, event)
            self.told[type(event)] += 1
            self.world.hear(event)
            match event:
                case ParcelUnpaid():
                    self.owed += event.amount.amount
                case RefundBooked():
                    self.owed -= event.set_off.amount

    def go_on(self, commands: Sequence[Command], data: DataObject) -> None:
        """Takes `commands` and answers, in any order, some answers twice."""
        waiting = list(commands)
        while waiting or self.world.asked:
            choice = data.draw(st.integers(0, len(waiting) + len(self.world.asked) - 1))
            if choice < len(waiting):
                self.take(waiting.pop(choice))
                continue
            answer = self.world.answer(self.world.asked[choice - len(waiting)])
            for _ in range(data.draw(st.integers(1, 2))):
                self.take(answer)

    @property
    def kept(self) -> int:
        return sum(self.world.taken.values())

    @property
    def held(self) -> int:
        return sum(self.world.held.values())


def parcels(value: int, data: DataObject) -> list[int]:
    """`value` split over a few parcels."""
    cuts = sorted(data.draw(st.lists(st.integers(0, value), max_size=3)))
    return [end - start for start, end in zip([0, *cuts], [*cuts, value], strict=True)]


@settings(max_examples=100)
@given(PAYMENTS, st.data())
def test_what_is_kept_is_the_value_of_what_has_left(
    payments: list[tuple[PaymentType, int]], data: DataObject
) -> None:
    play = Play(payments, World())
    play.go_on([], data)
    values = parcels(sum(amount for _, amount in payments), data)
    left = [data.draw(st.booleans()) for _ in values]
    shipped = sum(value for value, gone in zip(values, left, strict=True) if gone)
    cancelled = stop() if not any(left) else free(sum(values) - shipped)

    play.go_on(
        [
            *(
                CapturePayments(parcel=number, value=eur(value))
                for number, value in enumerate(values, 1)
                if left[number - 1]
            ),
            *([] if all(left) else [cancelled, cancelled]),
        ],
        data,
    )

    assert play.kept == shipped
    assert play.held == 0
    assert play.told[PaymentsSecured] == 1
    assert play.told[PaymentsFailed] == 0


@settings(max_examples=100)
@given(PAYMENTS, st.booleans(), st.data())
def test_nothing_is_kept_of_an_order_that_is_declined_or_cancelled_on_the_way(
    payments: list[tuple[PaymentType, int]], cancelled: bool, data: DataObject
) -> None:
    asked = [number for number, (_, amount) in enumerate(payments, 1) if amount]
    declined = frozenset(n for n in asked if data.draw(st.booleans()))
    play = Play(payments, World(declined))

    play.go_on([stop()] if cancelled else [], data)

    total = sum(amount for _, amount in payments)
    assert play.held + play.kept == (0 if declined or cancelled else total)
    told = (play.told[PaymentsSecured], play.told[PaymentsFailed])
    assert told in ([(0, 0), (0, 1), (1, 0)] if cancelled else [(0, 1) if declined else (1, 0)])


@settings(max_examples=200)
@given(PAYMENTS, st.data())
def test_what_comes_back_is_given_back_whatever_can_be_captured(
    payments: list[tuple[PaymentType, int]], data: DataObject
) -> None:
    """However refunds, parcels and answers interleave: what is kept or owed is what stayed away."""
    closed = frozenset(n for n in range(1, len(payments) + 1) if data.draw(st.booleans()))
    play = Play(payments, World(closed=closed))
    play.go_on([], data)
    values = parcels(sum(amount for _, amount in payments), data)
    back = [data.draw(st.integers(0, value)) for value in values]
    refunds = [
        RefundPayments(value=eur(value), cause_id=f"ordering:{number}")
        for number, value in enumerate(back)
    ]
    left = [CapturePayments(parcel=n, value=eur(value)) for n, value in enumerate(values, 1)]

    play.go_on([*left, *refunds, *refunds], data)

    assert play.held == 0
    assert play.kept + play.owed == sum(values) - sum(back)
    assert play.owed >= 0
    if not closed:
        assert play.owed == 0


@settings(max_examples=200)
@given(PAYMENTS, st.data())
def test_lines_that_are_cancelled_are_given_back_whatever_can_be_captured(
    payments: list[tuple[PaymentType, int]], data: DataObject
) -> None:
    closed = frozenset(n for n in range(1, len(payments) + 1) if data.draw(st.booleans()))
    play = Play(payments, World(closed=closed))
    play.go_on([], data)
    values = dict(enumerate(parcels(sum(amount for _, amount in payments), data), 1))
    left = {n: value for n, value in values.items() if data.draw(st.booleans())}
    back = {n: data.draw(st.integers(0, value)) for n, value in left.items()}
    off = sum(values.values()) - sum(left.values())

    play.go_on(
        [
            *(CapturePayments(parcel=n, value=eur(value)) for n, value in left.items()),
            *(
                RefundPayments(value=eur(value), cause_id=f"ordering:{n}")
                for n, value in back.items()
            ),
            free(off, "ordering:99"),
            free(off, "ordering:99"),
        ],
        data,
    )

    assert play.held == 0
    assert play.kept + play.owed == sum(left.values()) - sum(back.values())
    assert play.owed >= 0
