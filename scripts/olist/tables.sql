-- What the importer reads of the tables: one row an order, one row a product that was ordered.

create or replace view order_with_all as
with item as (
  select order_id,
         list(struct_pack(
           order_item_id := order_item_id,
           product_id := product_id,
           seller_id := seller_id,
           price := price,
           freight_value := freight_value
         ) order by order_item_id::int) as items
  from order_items group by order_id
),
payment as (
  select order_id,
         list(struct_pack(
           payment_sequential := payment_sequential,
           payment_type := payment_type,
           payment_installments := payment_installments,
           payment_value := payment_value
         ) order by payment_sequential::int) as payments
  from order_payments group by order_id
)
select orders.* exclude (customer_id), customer_unique_id,
       coalesce(items, []) as items, coalesce(payments, []) as payments
from orders
left join customers using (customer_id)
left join item using (order_id)
left join payment using (order_id);

-- Also those that nobody ordered, or of which only an item tells.
create or replace view product_of_all as
select product_id, coalesce(any_value(product_category_name), '') as product_category_name
from (
  select product_id, product_category_name from products
  union all select product_id, null from order_items
)
group by product_id;

create or replace view product_with_price as
select product_id,
       coalesce(any_value(product_category_name), '') as product_category_name,
       arg_max(price, (order_purchase_timestamp, order_id, order_item_id::int)) as price,
       arg_min(seller_id, (order_purchase_timestamp, order_id, order_item_id::int)) as seller_id
from order_items
join orders using (order_id)
left join products using (product_id)
group by product_id;
