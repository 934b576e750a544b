-- What must be remembered of the past, and where its books don't agree, computed from the files
-- alone. It repeats the importer's mapping in other words, so that neither covers up for the other.

create or replace macro cents(amount) as (amount::decimal(18, 2) * 100)::bigint;
create or replace macro seconds(local) as epoch(local::timestamp + interval 3 hour)::bigint;

create or replace view past_item as
select order_id, product_id as sku, seller_id as seller,
       cents(price) as price, cents(freight_value) as freight
from order_items;

create or replace view past_payment as
select order_id, payment_sequential::int as number, payment_type as type,
       payment_installments::int as installments, cents(payment_value) as amount
from order_payments;

create or replace view past_order as
with owed as (
  select order_id, count(*) as units, sum(price + freight)::bigint as worth
  from past_item group by order_id
),
paid as (
  select order_id, count(*) as payments, sum(amount)::bigint as paid
  from past_payment group by order_id
)
select order_id, customer_unique_id as customer, order_status as status,
       order_status in ('canceled', 'unavailable') as cancelled,
       coalesce(units, 0) as units, coalesce(worth, 0) as worth,
       coalesce(payments, 0) as payments, coalesce(paid, 0) as paid,
       seconds(order_purchase_timestamp) as ordered_at,
       seconds(order_approved_at) as approved_at,
       seconds(order_delivered_carrier_date) as carried_at,
       seconds(order_delivered_customer_date) as arrived_at,
       case order_status
         when 'created' then 'placed'
         when 'shipped' then 'shipped'
         when 'delivered' then 'delivered'
         when 'canceled' then 'cancelled'
         when 'unavailable' then 'cancelled'
         else 'confirmed'
       end as state,
       case
         when arrived_at is not null or status = 'delivered' then 'delivered'
         when carried_at is not null or status = 'shipped' then 'dispatched'
         when cancelled then 'called_off'
         else 'planned'
       end as parcels
from orders
left join customers using (customer_id)
left join owed using (order_id)
left join paid using (order_id);

-- Money: an order is in one of these at most, the first that fits (see expected_history.py).
create or replace view past_money as
select order_id, rule, case rule
    when 'money kept for a cancelled order' then paid
    when 'paid without items' then paid
    when 'items without payment' then worth
    else abs(paid - worth)
  end as cents
from (
  select *, case
      when cancelled and paid > 0 then 'money kept for a cancelled order'
      when cancelled then null
      when units = 0 and paid > 0 then 'paid without items'
      when paid = 0 and worth > 0 and state <> 'placed' then 'items without payment'
      when paid = 0 then null
      when paid <> worth and abs(paid - worth) <= payments then 'paid a rounding apart'
      when paid > worth then 'overpaid'
      when paid < worth then 'underpaid'
    end as rule
  from past_order
)
where rule is not null;

-- The course: each of these by itself.
create or replace view past_course as
select order_id, 'delivered without a carrier date' as rule, paid as cents
from past_order where status = 'delivered' and carried_at is null
union all
select order_id, 'delivered without a date of delivery', paid
from past_order where status = 'delivered' and arrived_at is null
union all
select order_id, 'left before approval', paid from past_order where carried_at < approved_at
union all
select order_id, 'left without approval', paid
from past_order where parcels in ('dispatched', 'delivered') and approved_at is null
union all
select order_id, 'never finished: ' || status, paid
from past_order where not cancelled and status <> 'delivered';
