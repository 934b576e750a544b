"""Getting an order's money together."""

from bus.messages import Money
from domains.payments.messages import (
    CollectPayments,
    PaymentSettled,
    PaymentsFailed,
    PaymentsSecured,
    RecordAuthorization,
    RecordDecline,
    RecordRefund,
    RecordSettlement,
    RecordVoid,
)
from tests.unit.payments.examples import (
    ASKED,
    AUTHORIZED,
    BOLETO,
    CARD,
    COLLECT,
    PAID,
    SECURED,
    VOUCHER,
    booked,
    declined,
    eur,
    payments,
    refund,
    refunded,
    settled,
    void,
    voided,
)


def test_cards_are_authorised_and_the_others_settle() -> None:
    payments().when(COLLECT).then(*ASKED)


def test_asking_twice_asks_once() -> None:
    payments(*ASKED).when(COLLECT).then_nothing()
    payments(*PAID).when(COLLECT).then_nothing()


def test_a_payment_of_nothing_needs_no_provider() -> None:
    nothing = CollectPayments(
        id="o-1",
        customer_id="c-7",
        total=eur(0),
        types=["voucher", "credit_card"],
        amounts=[eur(0), eur(0)],
        installments=[1, 1],
        tokens=["", ""],
    )

    payments().when(nothing).then(
        PaymentSettled(payment=1, type="voucher", amount=eur(0), reference=""),
        PaymentSettled(payment=2, type="credit_card", amount=eur(0), reference=""),
        PaymentsSecured(total=eur(0)),
    ).then_duties()


def test_an_order_that_costs_nothing_is_paid_at_once_and_once() -> None:
    free = CollectPayments(
        id="o-1",
        customer_id="c-7",
        total=Money(0, "EUR"),
        types=[],
        amounts=[],
        installments=[],
        tokens=[],
    )

    payments().when(free).then(PaymentsSecured(total=eur(0))).when(free).then_nothing()


def test_the_last_answer_secures_the_order() -> None:
    first = payments(*ASKED).when(RecordSettlement(id="o-1", payment=BOLETO, reference="ch_3"))

    first.then(settled(BOLETO))
    second = first.when(RecordAuthorization(id="o-1", payment=CARD, reference="ch_2"))
    second.then(AUTHORIZED)
    second.when(RecordSettlement(id="o-1", payment=VOUCHER, reference="ch_1")).then(
        settled(VOUCHER), SECURED
    )


def test_an_answer_that_comes_twice_counts_once() -> None:
    history = payments(*PAID)

    history.when(RecordSettlement(id="o-1", payment=BOLETO, reference="ch_3")).then_nothing()
    history.when(RecordAuthorization(id="o-1", payment=CARD, reference="ch_2")).then_nothing()
    history.when(RecordDecline(id="o-1", payment=CARD, reason="late")).then_nothing()


def test_an_answer_that_does_not_fit_the_question_changes_nothing() -> None:
    history = payments(*ASKED)

    history.when(RecordAuthorization(id="o-1", payment=BOLETO, reference="x")).then_nothing()
    history.when(RecordSettlement(id="o-1", payment=CARD, reference="x")).then_nothing()
    history.when(RecordSettlement(id="o-1", payment=4, reference="x")).then_nothing()
    history.when(RecordSettlement(id="o-1", payment=0, reference="x")).then_nothing()


def test_a_decline_gives_back_what_the_others_hold_before_the_order_hears_of_it() -> None:
    history = payments(*ASKED, settled(VOUCHER), AUTHORIZED)

    refused = history.when(RecordDecline(id="o-1", payment=BOLETO, reason="no funds"))
    refused.then(
        declined(BOLETO),
        booked("declined", {CARD: 5000, VOUCHER: 1000}),
        refund(VOUCHER, 1000),
        void(5000),
    )
    let_go = refused.when(RecordVoid(id="o-1", payment=CARD, amount=eur(5000)))
    let_go.then(voided(5000))
    let_go.when(RecordRefund(id="o-1", payment=VOUCHER, amount=eur(1000))).then(
        refunded(VOUCHER, 1000), PaymentsFailed(reason="no funds")
    )


def test_a_decline_of_the_only_payment_fails_the_order_at_once() -> None:
    payments(ASKED[0]).when(RecordDecline(id="o-1", payment=VOUCHER, reason="spent")).then(
        declined(VOUCHER, "spent"), PaymentsFailed(reason="spent")
    )


def test_payments_still_being_asked_are_awaited_and_then_given_back() -> None:
    refused = payments(*ASKED).when(RecordDecline(id="o-1", payment=BOLETO, reason="no funds"))

    refused.then(declined(BOLETO), booked("declined", {CARD: 5000, VOUCHER: 1000}))
    held = refused.when(RecordAuthorization(id="o-1", payment=CARD, reference="ch_2"))
    held.then(AUTHORIZED, void(5000))
    taken = held.when(RecordSettlement(id="o-1", payment=VOUCHER, reference="ch_1"))
    taken.then(settled(VOUCHER), refund(VOUCHER, 1000))
    taken.when(RecordRefund(id="o-1", payment=VOUCHER, amount=eur(1000))).when(
        RecordVoid(id="o-1", payment=CARD, amount=eur(5000))
    ).then(voided(5000), PaymentsFailed(reason="no funds"))


def test_the_first_of_several_declines_is_the_reason() -> None:
    refused = (
        payments(*ASKED)
        .when(RecordDecline(id="o-1", payment=BOLETO, reason="no funds"))
        .when(RecordDecline(id="o-1", payment=CARD, reason="stolen"))
    )

    refused.then(declined(CARD, "stolen"))
    refused.when(RecordDecline(id="o-1", payment=VOUCHER, reason="expired")).then(
        declined(VOUCHER, "expired"), PaymentsFailed(reason="no funds")
    )
