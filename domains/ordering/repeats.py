"""Whether a PlaceOrder says what an order says already, so that it can be sent again."""

from bus.messages import Money
from domains.ordering.messages import (
    Line,
    OrderLine,
    OrderPayment,
    OrderPlaced,
    Payment,
    PlaceOrder,
)


def repeats(command: PlaceOrder, order: OrderPlaced) -> bool:
    """Prices, sellers and the time that `command` leaves open are taken to be as they were:
    the catalog may have changed since."""
    return (
        command.customer_id == order.customer_id
        and command.ordered_at in (None, order.ordered_at)
        and len(command.lines) == len(order.lines)
        and all(map(_same_line, command.lines, order.lines))
        and _same_payments(command.payments, order)
    )


def _same_line(line: Line, placed: OrderLine) -> bool:
    return (
        line.sku == placed.sku
        and line.quantity == placed.quantity
        and line.price in (None, placed.price)
        and (line.freight or Money(0, placed.price.currency)) == placed.freight
        and line.seller_id in (None, placed.seller_id)
    )


def _same_payments(payments: list[Payment] | None, order: OrderPlaced) -> bool:
    whole = [Payment(type="credit_card", amount=order.total)]
    return (payments or whole) == [_as_ordered(payment) for payment in order.payments]


def _as_ordered(payment: OrderPayment) -> Payment:
    return Payment(
        type=payment.type,
        amount=payment.amount,
        installments=payment.installments,
        token=payment.token,
    )
