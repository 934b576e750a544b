-- What the shop's books must say after the import, computed from the files alone.
-- It repeats the importer's mapping in other words, so that neither covers up for the other.

create or replace macro cents(amount) as (amount::decimal(18, 2) * 100)::bigint;
create or replace macro in_utc(local) as local::timestamp + interval 3 hour;

create or replace view unit as
select order_id, product_id as sku, seller_id as seller,
       cents(price) as price, cents(freight_value) as freight
from order_items;

create or replace view expected_order as
with owed as (select order_id, sum(price + freight) as owed from unit group by order_id),
paid as (select order_id, sum(cents(payment_value)) as paid from order_payments group by order_id)
select order_id, order_purchase_timestamp as placed, case
    when owed is null then 'refused NoLines'
    when owed <> coalesce(paid, 0) then 'refused PaymentsDontAddUp'
    when order_status = 'unavailable' then 'cancelled (unavailable)'
    when order_status = 'canceled' and order_delivered_customer_date is not null then 'delivered'
    when order_status = 'canceled' and order_delivered_carrier_date is not null then 'shipped'
    when order_status = 'canceled' then 'cancelled (customer)'
    when order_status in ('invoiced', 'processing', 'approved') then 'confirmed'
    when order_status = 'created' then 'awaiting_payment'
    else order_status
  end as state
from orders left join owed using (order_id) left join paid using (order_id);

-- `state` is where a payment stands in the end. Of one of zero there is nothing to give back.
create or replace view expected_payment as
with paid as (
  select case payment_type when 'not_defined' then 'voucher' else payment_type end as type,
         cents(payment_value) as amount, order_state, payment_type = 'credit_card' as card
  from order_payments
  join (select order_id, state as order_state from expected_order) using (order_id)
  where order_state not like 'refused%' and order_state <> 'cancelled (unavailable)'
)
select type, amount, card, case
    when order_state = 'awaiting_payment' then 'pending'
    when order_state = 'cancelled (customer)' and card then 'voided'
    when order_state = 'cancelled (customer)' and amount > 0 then 'refunded'
    when not card then 'settled'
    when order_state = 'confirmed' then 'authorized'
    else 'captured'
  end as state
from paid;

-- The money's way there: what a card holds is authorised first, what is refunded was settled.
create or replace view expected_move as
select type, amount, state as move from expected_payment where state <> 'pending'
union all
select type, amount, 'authorized' from expected_payment where state in ('captured', 'voided')
union all
select type, amount, 'settled' from expected_payment where state = 'refunded';

create or replace view expected_sale as
select strftime(in_utc(placed), '%Y-%m') as month, sku, seller,
       coalesce(product_category_name, '') as category, price, freight
from unit
join expected_order using (order_id)
left join products on product_id = sku
where state in ('delivered', 'shipped', 'confirmed');

-- Exactly what the orders need is received: all that is kept for somebody at some time.
create or replace view expected_stock as
select sku,
       count(*) filter (where state in ('delivered', 'shipped')) as shipped,
       count(*) filter (where state not in ('delivered', 'shipped')) as on_hand,
       count(*) filter (where state = 'cancelled (customer)') as available
from unit join expected_order using (order_id)
where state not like 'refused%' and state <> 'cancelled (unavailable)'
group by sku;
