"""Whatever the provider reports, and whenever: the books are what it has, and they balance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from bus.decider import Refused
from bus.envelope import Key
from bus.messages import Event
from bus.testing import NOW
from domains.payments.adjusting import adjust as decide
from domains.payments.messages import (
    CapturePayments,
    Movement,
    ParcelUnpaid,
    PaymentAdjusted,
    PaymentType,
    RefundPayments,
)
from domains.payments.payment import PAYMENT
from domains.payments.settlement import SETTLEMENT, Settlement
from tests.unit.payments.examples import eur, free
from tests.unit.payments.reports import Kind, adjust, movement, report
from tests.unit.payments.test_books_balance import PAYMENTS, Play, parcels
from tests.unit.payments.world import World


class Following(Play):
    """The provider's own book may say otherwise than it has answered. `taken` is what it has."""

    def __init__(self, payments: Sequence[tuple[PaymentType, int]], world: World) -> None:
        super().__init__(payments, world)
        self.report = Settlement()
        self.times = 0

    @property
    def numbers(self) -> range:
        return range(1, len(self.books.payments) + 1)

    def said(self, payment: int, kind: Kind) -> int:
        return sum(each.amount.amount for each in self.report.of(payment) if each.kind == kind)

    def says(self, payment: int, kind: Kind, upto: int) -> None:
        """So much in all; reports never take anything back."""
        if (more := upto - self.said(payment, kind)) <= 0:
            return
        self.times += 1
        line: Movement = movement(f"mv-{self.times}", payment, more, kind)
        for event in SETTLEMENT.decide(report(line), self.report, NOW + timedelta(days=1)):
            self.report = SETTLEMENT.evolve(self.report, event)

    def follow(self, payment: int) -> bool:
        """Whether payments could."""
        books = self.books.payments[payment - 1]
        captured = self.said(payment, "captured") - books.took
        refunded = self.said(payment, "refunded") - books.gave
        keys = Key("payment", "o-1"), Key("settlement", "o-1")
        states = dict(zip(keys, (self.books, self.report), strict=True))
        try:
            news = list(decide(adjust(payment, captured, refunded), states, NOW))
        except Refused:
            if captured < refunded:
                return False
            raise
        assert bool(news) == ((captured, refunded) != (0, 0))
        self.world.taken[payment] = self.said(payment, "captured") - self.said(payment, "refunded")
        for _, event in news:
            self._hear(event)
        after = self.books.payments[payment - 1]
        assert (after.took, after.gave) == tuple(
            self.said(payment, kind) for kind in ("captured", "refunded")
        )
        return True

    def _hear(self, event: Event) -> None:
        self.books = PAYMENT.evolve(self.books, event)
        self.world.hear(event)
        match event:
            case ParcelUnpaid():
                self.owed += event.amount.amount
            case PaymentAdjusted():
                self.owed -= sum(max(0, part.amount) for part in event.parcels)


def reported(play: Following, data: DataObject) -> bool:
    """Of one payment the provider says what it likes, of the others what it has answered."""
    likes = data.draw(st.sampled_from(play.numbers))
    for number in play.numbers:
        books = play.books.payments[number - 1]
        if number != likes:
            play.says(number, "captured", books.took)
            play.says(number, "refunded", books.gave)
    took = play.books.payments[likes - 1].took
    play.says(likes, "captured", data.draw(st.integers(0, took + 50)))
    play.says(likes, "refunded", data.draw(st.integers(0, play.said(likes, "captured"))))
    followed = play.follow(likes)
    play.go_on([], data)
    return followed


@settings(max_examples=300)
@given(PAYMENTS, st.data())
def test_the_books_are_what_the_provider_has(
    payments: list[tuple[PaymentType, int]], data: DataObject
) -> None:
    play = Following(payments, World())
    play.go_on([], data)
    values = dict(enumerate(parcels(sum(amount for _, amount in payments), data), 1))
    left = {n: value for n, value in values.items() if data.draw(st.booleans())}
    waiting = {n: value for n, value in values.items() if n not in left}
    kept = {n for n in waiting if data.draw(st.booleans())}
    off = sum(value for n, value in waiting.items() if n not in kept)
    back = data.draw(st.integers(0, sum(left.values())))

    play.go_on([CapturePayments(parcel=n, value=eur(value)) for n, value in left.items()], data)
    if not reported(play, data):
        return  # what nobody can follow, a person looks at
    play.go_on([RefundPayments(value=eur(back), cause_id="ordering:1"), free(off)], data)
    if not reported(play, data):
        return
    play.go_on([CapturePayments(parcel=n, value=eur(waiting[n])) for n in kept], data)
    if not reported(play, data):
        return

    stays = sum(left.values()) + sum(waiting[n] for n in kept) - back
    assert play.kept + play.owed == stays
    assert play.owed >= 0
