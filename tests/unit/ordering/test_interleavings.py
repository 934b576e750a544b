"""Whatever comes in whatever order, and however often: an order's books stay right."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given as for_all
from hypothesis import strategies as st

from bus.messages import Command
from bus.testing import NOW
from domains.ordering.messages import (
    CallOffAnswered,
    CancellationRefused,
    CancellationRequested,
    CancelOrder,
    ConfirmOrder,
    ExpireOrder,
    FailPayment,
    LinesCancelled,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPartlyDelivered,
    OrderPartlyShipped,
    OrderShipped,
    PaymentRequested,
    PlaceOrder,
    RecordCallOff,
    RecordDelivery,
    RecordDispatch,
    RejectOrder,
    RequestPayment,
)
from domains.ordering.states import Cancelled, Delivered
from tests.unit.ordering.life import Life, lines_of, orders

CANCEL = CancelOrder(id="o-1")
UNTIL_PAID = (RequestPayment(id="o-1"), ConfirmOrder(id="o-1"))
numbers = st.integers(1, 4)
times = st.integers(0, 1000).map(lambda hours: NOW + timedelta(hours=hours))
anything = st.one_of(
    st.sampled_from(
        [
            CANCEL,
            *UNTIL_PAID,
            RejectOrder(id="o-1"),
            FailPayment(id="o-1", reason="no"),
            ExpireOrder(id="o-1"),
        ]
    ),
    st.builds(lambda n, at: RecordDispatch(id="o-1", parcel=n, dispatched_at=at), numbers, times),
    st.builds(lambda n, at: RecordDelivery(id="o-1", parcel=n, delivered_at=at), numbers, times),
    st.builds(
        lambda n, off: RecordCallOff(id="o-1", parcel=n, called_off=off), numbers, st.booleans()
    ),
)
stories = st.one_of(
    st.lists(anything, max_size=25),
    st.lists(anything, max_size=25).map(lambda later: [*UNTIL_PAID, *later]),
    st.lists(anything, max_size=25).map(lambda later: [*UNTIL_PAID, CANCEL, *later]),
)


@for_all(orders(), stories)
def test_what_happens_once_happens_once(place: PlaceOrder, story: Sequence[Command]) -> None:
    life = Life(place, *story)
    for once in (PaymentRequested, OrderConfirmed, OrderShipped, CancellationRequested):
        assert len(life.of(once)) <= 1
    assert len(life.of(OrderCancelled, OrderDelivered)) <= 1
    assert len(life.of(OrderCancelled, LinesCancelled, CancellationRefused)) <= 1
    parcels = [event.parcel for event in life.of(OrderPartlyShipped)]
    assert len(parcels) == len(set(parcels))
    parcels = [event.parcel for event in life.of(OrderPartlyDelivered)]
    assert len(parcels) == len(set(parcels))


@for_all(orders(), stories)
def test_nothing_follows_an_end_but_the_answer_to_a_cancellation(
    place: PlaceOrder, story: Sequence[Command]
) -> None:
    events = Life(place, *story).events
    for number, event in enumerate(events):
        if isinstance(event, OrderCancelled):
            assert events[number + 1 :] == []
        if isinstance(event, OrderDelivered):
            after = events[number + 1 :]
            assert all(isinstance(e, CallOffAnswered | CancellationRefused) for e in after)


@for_all(orders(), stories)
def test_no_line_is_both_cancelled_and_shipped(place: PlaceOrder, story: Sequence[Command]) -> None:
    life = Life(place, *story)
    confirmed = life.of(OrderConfirmed)
    parcels = confirmed[0].parcels if confirmed else []
    moved = life.of(OrderPartlyShipped, OrderShipped, OrderPartlyDelivered)
    sent = {line for event in moved for line in lines_of(parcels, event.parcel)}
    cancelled = [
        line.line for event in life.of(LinesCancelled, OrderCancelled) for line in event.lines
    ]
    assert len(cancelled) == len(set(cancelled))
    assert not sent & set(cancelled)
    assert sent | set(cancelled) <= set(range(1, len(place.lines) + 1))


@for_all(orders(), stories)
def test_a_cancellation_frees_exactly_what_its_lines_cost(
    place: PlaceOrder, story: Sequence[Command]
) -> None:
    for event in Life(place, *story).of(LinesCancelled, OrderCancelled):
        assert event.value.amount == sum(line.value.amount for line in event.lines)


@for_all(orders(), stories)
def test_the_stored_events_make_the_same_state(place: PlaceOrder, story: Sequence[Command]) -> None:
    life = Life(place, *story)
    assert life.replayed() == life.state


@st.composite
def shipped_stories(draw: st.DrawFn) -> tuple[PlaceOrder, set[int], list[Command]]:
    """A cancelled order, the parcels that were called off, and all that shipping says of
    them, in any order and some of it twice."""
    place = draw(orders())
    parcels = range(1, len({line.seller_id for line in place.lines}) + 1)
    off = {number for number in parcels if draw(st.booleans())}
    said: list[Command] = []
    for n in parcels:
        said.append(RecordCallOff(id="o-1", parcel=n, called_off=n in off))
        if n not in off:
            said.append(RecordDispatch(id="o-1", parcel=n, dispatched_at=draw(times)))
            said.append(RecordDelivery(id="o-1", parcel=n, delivered_at=draw(times)))
    said += draw(st.lists(st.sampled_from(said)))
    return place, off, draw(st.permutations(said))


@for_all(shipped_stories())
def test_a_cancelled_order_ends_the_same_however_shippings_answers_come(
    story: tuple[PlaceOrder, set[int], list[Command]],
) -> None:
    place, off, said = story
    life = Life(place, *UNTIL_PAID, CANCEL, *said)
    (confirmed,) = life.of(OrderConfirmed)
    cancelled = {
        line.line for event in life.of(LinesCancelled, OrderCancelled) for line in event.lines
    }
    assert isinstance(life.state, Cancelled if len(off) == len(confirmed.parcels) else Delivered)
    assert cancelled == {line for number in off for line in lines_of(confirmed.parcels, number)}
    assert len(life.of(CancellationRefused)) == (not off)


@for_all(shipped_stories())
def test_an_order_that_nobody_cancels_is_delivered_however_the_news_comes(
    story: tuple[PlaceOrder, set[int], list[Command]],
) -> None:
    place, off, said = story
    rest = [RecordDelivery(id="o-1", parcel=n, delivered_at=NOW) for n in off]
    life = Life(place, *UNTIL_PAID, *said, *rest)
    assert isinstance(life.state, Delivered)
    arrivals = [c.delivered_at for c in [*said, *rest] if isinstance(c, RecordDelivery)]
    assert [event.delivered_at for event in life.of(OrderDelivered)] == [max(arrivals)]
