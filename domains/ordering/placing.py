"""Placing an order: priced from ordering's copy of the catalog, or as agreed."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bus.decider import NotYet, Refused, Span, States
from bus.envelope import Key
from bus.messages import MAX_AMOUNT, Money, total
from bus.remembering import Past
from domains.ordering.messages import (
    Line,
    OrderLine,
    OrderPayment,
    OrderPlaced,
    Payment,
    PlaceOrder,
)
from domains.ordering.price import Forgotten, Price, Priced, seller_of
from domains.ordering.repeats import repeats
from domains.ordering.states import Unplaced

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(days=1)


def reads(command: PlaceOrder) -> Iterator[Key]:
    yield _order(command)
    yield from (_price(line) for line in command.lines if not line.price or not line.seller_id)


def place(command: PlaceOrder, states: States, now: datetime) -> Iterable[tuple[Key, OrderPlaced]]:
    state = states[_order(command)]
    if isinstance(state, Unplaced):
        return [(_order(command), _placed(command, states, now))]
    if not isinstance(state, Past) and repeats(command, state.order):
        return []
    raise Refused("OrderExists", f"{command.id} is another order already.")


def _placed(command: PlaceOrder, states: States, now: datetime) -> OrderPlaced:
    if not command.lines:
        raise Refused("NoLines", "An order needs at least one line.")
    ordered_at = _ordered_at(command, now)
    try:
        lines = [_line(number, line, states) for number, line in enumerate(command.lines, 1)]
        value = _total(lines)
        payments = _payments(command.payments, value)
    except Refused as refusal:
        if all(line.price for line in command.lines):
            raise
        # What was refused rests on the copy of the catalog, and that may be stale.
        raise NotYet("catalog", refusal) from refusal
    return OrderPlaced(
        customer_id=command.customer_id,
        lines=lines,
        payments=payments,
        total=value,
        ordered_at=ordered_at,
    )


def _ordered_at(command: PlaceOrder, now: datetime) -> datetime:
    if command.ordered_at is None:
        return now
    if EARLIEST <= command.ordered_at <= now + CLOCKS_DIFFER:
        return command.ordered_at.astimezone(UTC)
    raise Refused("TimeOutOfRange", "ordered_at lies before 1970 or in the future.")


def _line(number: int, line: Line, states: States) -> OrderLine:
    # Read only where something is left open: `reads` names the same keys.
    price = line.price or _known(line.sku, states[_price(line)])
    return OrderLine(
        line=number,
        sku=line.sku,
        quantity=line.quantity,
        price=price,
        freight=line.freight or Money(0, price.currency),
        seller_id=line.seller_id or seller_of(states[_price(line)]),
        listed=line.price is None,
    )


def _known(sku: str, price: Price) -> Money:
    if isinstance(price, Priced):
        return price.price
    if isinstance(price, Forgotten):
        raise Refused("ProductDelisted", f"{sku} is no longer sold.", sku=sku)
    raise Refused("UnknownProduct", f"There is no product {sku}.", sku=sku)


def _total(lines: Sequence[OrderLine]) -> Money:
    currencies = {money.currency for line in lines for money in (line.price, line.freight)}
    _same_currency(currencies)
    value = total((line.value for line in lines), lines[0].price.currency)
    if value.amount > MAX_AMOUNT:
        raise Refused("AmountTooLarge", f"An order can't cost more than {MAX_AMOUNT}.")
    return value


def _payments(payments: Sequence[Payment] | None, value: Money) -> list[OrderPayment]:
    whole = [Payment(type="credit_card", amount=value)]
    given = whole if payments is None else payments
    _same_currency({value.currency, *(payment.amount.currency for payment in given)})
    paid = total((payment.amount for payment in given), value.currency)
    if paid != value:
        raise Refused(
            "PaymentsDontAddUp",
            f"The payments sum to {paid.amount} {paid.currency}, the order to {value.amount}.",
            expected={"amount": value.amount, "currency": value.currency},
            given={"amount": paid.amount, "currency": paid.currency},
        )
    return [
        OrderPayment(
            payment=number,
            type=payment.type,
            amount=payment.amount,
            installments=payment.installments,
            token=payment.token,
        )
        for number, payment in enumerate(given or whole, 1)
    ]


def _same_currency(currencies: set[str]) -> None:
    if len(currencies) > 1:
        raise Refused(
            "CurrencyMismatch",
            "Lines and payments of an order share one currency.",
            currencies=sorted(currencies),
        )


def _order(command: PlaceOrder) -> Key:
    return Key("order", command.id)


def _price(line: Line) -> Key:
    return Key("price", line.sku)


PLACING = Span(reads=reads, decide=place)
