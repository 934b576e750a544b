"""An order paid by a voucher, a card and a boleto, and what is said of its money."""

from functools import partial

from bus.messages import Money
from bus.testing import given
from domains.payments.domain import DOMAIN
from domains.payments.messages import (
    AuthorizationRequested,
    CaptureRequested,
    CollectPayments,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentSettled,
    PaymentsSecured,
    PaymentType,
    PaymentVoided,
    RefundRequested,
    ReturnBooked,
    ReturnPayments,
    SettlementRequested,
    Share,
    VoidRequested,
)

payments = partial(given, DOMAIN)

VOUCHER, CARD, BOLETO = 1, 2, 3
TYPES: dict[int, PaymentType] = {VOUCHER: "voucher", CARD: "credit_card", BOLETO: "boleto"}
AMOUNTS = {VOUCHER: 1000, CARD: 5000, BOLETO: 4000}


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


COLLECT = CollectPayments(
    id="o-1",
    customer_id="c-7",
    total=eur(10_000),
    types=list(TYPES.values()),
    amounts=[eur(amount) for amount in AMOUNTS.values()],
    installments=[1, 3, 1],
    tokens=["gift", "visa", ""],
)
ASKED = (
    SettlementRequested(
        customer_id="c-7", payment=VOUCHER, type="voucher", amount=eur(1000), token="gift"
    ),
    AuthorizationRequested(
        customer_id="c-7",
        payment=CARD,
        type="credit_card",
        amount=eur(5000),
        installments=3,
        token="visa",
    ),
    SettlementRequested(
        customer_id="c-7", payment=BOLETO, type="boleto", amount=eur(4000), token=""
    ),
)


def settled(payment: int) -> PaymentSettled:
    return PaymentSettled(
        payment=payment,
        type=TYPES[payment],
        amount=eur(AMOUNTS[payment]),
        reference=f"ch_{payment}",
    )


AUTHORIZED = PaymentAuthorized(payment=CARD, type="credit_card", amount=eur(5000), reference="ch_2")
SECURED = PaymentsSecured(total=eur(10_000))
PAID = (*ASKED, settled(VOUCHER), AUTHORIZED, settled(BOLETO), SECURED)


def declined(payment: int, reason: str = "no funds") -> PaymentDeclined:
    return PaymentDeclined(
        payment=payment, type=TYPES[payment], amount=eur(AMOUNTS[payment]), reason=reason
    )


def shares(parts: dict[int, int]) -> list[Share]:
    return [Share(payment=payment, amount=eur(amount)) for payment, amount in parts.items()]


def booked(cause_id: str, parts: dict[int, int], *, all_of_it: bool = True) -> ReturnBooked:
    return ReturnBooked(cause_id=cause_id, all_of_it=all_of_it, shares=shares(parts))


def capture(parcel: int, amount: int) -> CaptureRequested:
    return CaptureRequested(payment=CARD, parcel=parcel, amount=eur(amount), reference="ch_2")


def captured(parcel: int, amount: int) -> PaymentCaptured:
    return PaymentCaptured(payment=CARD, parcel=parcel, type="credit_card", amount=eur(amount))


def void(amount: int, number: int = 1) -> VoidRequested:
    return VoidRequested(payment=CARD, number=number, amount=eur(amount), reference="ch_2")


def voided(amount: int, number: int = 1) -> PaymentVoided:
    return PaymentVoided(payment=CARD, number=number, type="credit_card", amount=eur(amount))


def refund(payment: int, amount: int, number: int = 1) -> RefundRequested:
    return RefundRequested(
        payment=payment, number=number, amount=eur(amount), reference=f"ch_{payment}"
    )


def refunded(payment: int, amount: int, number: int = 1) -> PaymentRefunded:
    return PaymentRefunded(payment=payment, number=number, type=TYPES[payment], amount=eur(amount))


def stop(cause_id: str = "ordering:9") -> ReturnPayments:
    """The order has been cancelled."""
    return ReturnPayments(id="o-1", value=eur(10_000), all_of_it=True, cause_id=cause_id)


def free(amount: int, cause_id: str = "ordering:9") -> ReturnPayments:
    """Some lines of the order have been cancelled."""
    return ReturnPayments(id="o-1", value=eur(amount), all_of_it=False, cause_id=cause_id)
