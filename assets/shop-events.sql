-- Rows :from to :to of the shop's events, all of them in the partition :partition. One row is 25 seconds after the last.
insert into :partition (id, occurred_at, kind, customer_id, payload)
select n, timestamptz '2026-01-01 00:00Z' + (n - 1) * interval '25 seconds',
       (array['page_view', 'page_view', 'page_view', 'search', 'add_to_cart', 'page_view', 'remove_from_cart', 'checkout', 'login', 'page_view'])[1 + (n * 7919 % 10)::int],
       nullif(n * 104729 % 5600 % 5001, 0),
       case when n % 3 = 0 then null when n % 3 = 1 then '{"device": "phone"}' else '{"device": "desktop", "referrer": "search"}' end::jsonb
from generate_series(:from::bigint, :to) n
