-- Something of every kind that psql's words tell of, as far as the server has it.
\set ON_ERROR_STOP on
select v >= 14 as v14, v >= 15 as v15, v >= 16 as v16, v >= 17 as v17, v >= 18 as v18
  from (select current_setting('server_version_num')::int / 10000 as v) as server \gset
create role reader nologin;
create role writer login connection limit 3 valid until '2031-02-03 04:05:06+00';
create role lonely login connection limit 1 noinherit;
create role nobody_comes login connection limit 0;
create role "Mixed Case" createdb createrole replication bypassrls;
create role staff nologin in role reader;
grant reader to writer;
grant reader, staff to "Mixed Case";
comment on role reader is 'may look';
alter role writer set search_path to app, public;
alter role writer in database words set work_mem to '5MB';
alter database words set timezone to 'UTC';
comment on database words is 'the words';
grant connect on database words to reader;

create schema app;
create schema "Odd ""Schema";
create schema hidden authorization reader;
comment on schema app is E'the application,\nin two lines';
grant usage on schema app to reader, writer with grant option;
set search_path to app, public;

create extension if not exists hstore schema public;
create extension if not exists citext schema public;
create extension if not exists postgres_fdw schema public;
create extension if not exists btree_gist schema public;

set allow_in_place_tablespaces to on;
create tablespace fast location '';
comment on tablespace fast is 'quick';
grant create on tablespace fast to writer;
alter tablespace fast set (random_page_cost = 1.1);

create type mood as enum ('sad', 'ok', 'happy, very');
create type pair as (a integer, b text collate "C");
create type span as range (subtype = float8, subtype_diff = float8mi);
comment on type mood is 'how it feels';
comment on column pair.a is 'first';
grant usage on type mood to reader;
create domain positive as integer default 1 constraint above_zero check (value > 0) constraint small check (value < 1000);
create domain word as text collate "C" not null;
comment on domain positive is 'more than none';
comment on constraint above_zero on domain positive is 'zero is none';
create type shell_only;

create table customers (
  id bigint generated always as identity primary key,
  mail citext not null unique,
  name text collate "C" default 'nobody'::text,
  born date check (born > '1900-01-01'),
  tags hstore,
  moods mood[] default '{ok}',
  doubled numeric(12,2) generated always as (length('x') * 2) stored,
  note varchar(40),
  "Odd ""Column" int4,
  constraint "named, check" check (name <> '' or note is null)
);
comment on table customers is 'who buys';
comment on column customers.mail is 'where to write';
comment on constraint "named, check" on customers is 'a constraint';
alter table customers alter column name set statistics 500;
alter table customers alter column note set storage external;
\if :v14
alter table customers alter column tags set compression pglz;
\endif
alter table customers replica identity full;
create index customers_lower on customers (lower(name), id desc nulls last) include (note) where born is not null;
\if :v15
create unique index customers_note on customers (note) nulls not distinct;
\else
create unique index customers_note on customers (note);
\endif
create index customers_tags on customers using gin (tags) tablespace fast;
comment on index customers_lower is 'by small letters';
alter index customers_lower alter column 1 set statistics 77;
cluster customers using customers_pkey;
create statistics stats_all on name, born from customers;
create statistics stats_some (ndistinct, mcv) on name, note from customers;
\if :v14
create statistics stats_expression on (lower(name)), born from customers;
\endif
alter statistics stats_some set statistics 42;

create table orders (
  id serial primary key,
  number int unique deferrable initially deferred,
  customer bigint not null references customers on delete cascade,
  customer_again bigint constraint again references customers (id) deferrable,
  during tsrange,
  room int,
  total money,
  exclude using gist (room with =, during with &&) where (room > 0)
) with (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = off);
grant select, insert on orders to reader, writer with grant option;
grant update (total) on orders to reader;
grant select (room, total) on orders to public;
alter table orders enable row level security;
create policy mine on orders for select to reader, writer using (customer > 0);
create policy strict on orders as restrictive using (true) with check (room < 10);
alter table customers force row level security;
alter table customers enable row level security;
create table quiet (a int);
create policy unused on quiet for insert with check (a > 0);

create function app.touch() returns trigger language plpgsql as $f$
begin
  -- a	tab
  return new;
end
$f$;
create function add_them(a integer, b integer default 5, variadic c integer[] default '{}') returns integer
  language sql immutable parallel safe strict cost 7 as 'select a + b';
create function add_them(a text) returns setof text language sql stable security definer set search_path to app as 'select a';
\if :v14
create function body_in_sql(x int) returns int language sql begin atomic select x + 1; select x + 2; end;
\endif
create function out_args(in a int, out b int, out c text) language sql as 'select 1, $$x$$';
create function table_args() returns table (a int, "b c" text) language sql as 'select 1, $$x$$';
create procedure do_it(inout x int) language plpgsql as $$ begin x := x + 1; end $$;
create function "Odd ""Function"("Odd Arg" int) returns int language sql as 'select 1';
create aggregate total_of (integer) (sfunc = int4pl, stype = integer, initcond = '0');
create aggregate nothing_of (*) (sfunc = int8inc, stype = bigint, initcond = '0');
comment on function add_them(integer, integer, integer[]) is 'adds';
comment on aggregate total_of (integer) is 'totals';
grant execute on function add_them(text) to reader;
create trigger touches before insert or update of total on orders for each row when (new.total > 0::money) execute function touch();
create trigger off_user after delete on orders for each row execute function touch();
create trigger always_on after insert on orders for each statement execute function touch();
create trigger on_replica after insert on orders for each statement execute function touch();
create constraint trigger checked after insert on orders deferrable initially deferred for each row execute function touch();
comment on trigger touches on orders is 'touched';
alter table orders disable trigger off_user;
alter table orders enable always trigger always_on;
alter table orders enable replica trigger on_replica;
create table disabled_keys (o int references orders (id));
alter table disabled_keys disable trigger all;

create rule noisy as on insert to quiet do also notify quiet;
create rule off_rule as on delete to quiet do instead nothing;
create rule always_rule as on update to quiet do also (select 1; select 2);
create rule replica_rule as on update to quiet where old.a > 1 do also select 3;
alter table quiet disable rule off_rule;
alter table quiet enable always rule always_rule;
alter table quiet enable replica rule replica_rule;
comment on rule noisy on quiet is 'tells';

create view rich as select id, name, 'a;b'::text as constant from customers where born < now();
create view checked with (security_barrier) as select * from orders where room > 1 with cascaded check option;
create view checked_here as select * from quiet where a > 1 with local check option;
create rule rich_insert as on insert to rich do instead nothing;
create rule rich_delete as on delete to rich do instead (delete from customers where id = old.id);
create trigger view_trigger instead of update on rich for each row execute function touch();
comment on view rich is 'the rich';
comment on column rich.name is 'their names';
alter view rich alter column name set default 'x';
create materialized view summary with (fillfactor = 50) as select count(*) as n, max(name) as last from customers with no data;
create unique index summary_n on summary (n);
comment on materialized view summary is 'sums';

create sequence counter as smallint increment by -2 minvalue -100 maxvalue 100 start 10 cache 5 cycle;
\if :v15
create unlogged sequence unlogged_counter;
\endif
comment on sequence counter is 'counts';
grant usage on sequence counter to reader;
create unlogged table scratch (a int, b text) tablespace fast;
create index scratch_b on scratch (b) tablespace fast;
create temporary table passing (a int);

create table animals (name text, age int);
create table pets (owner text) inherits (animals);
create table toys (maker text);
create table robot_pets (volts int) inherits (pets, toys);
create table typed of pair (a with options primary key, b with options default 'x');
create table empty_table ();

create table measures (at date not null, place text, value float8, customer bigint references customers) partition by range (at);
create table measures_2024 partition of measures for values from ('2024-01-01') to ('2025-01-01');
create table measures_2025 partition of measures for values from ('2025-01-01') to (maxvalue) partition by list (place);
create table measures_2025_de partition of measures_2025 for values in ('de', 'at''ch', null);
create table measures_2025_rest partition of measures_2025 default;
create table measures_rest partition of measures default;
create index measures_at on measures (at);
\if :v15
create unique index measures_unique on measures (at, place) nulls not distinct;
\else
create unique index measures_unique on measures (at, place);
\endif
create trigger measured after insert on measures for each row execute function touch();
alter table measures add primary key (at, place) not deferrable;
create table points_at (at date, place text, foreign key (at, place) references measures);
create table hashed (a int, b text collate "C") partition by hash (a, lower(b) text_pattern_ops);
create table hashed_0 partition of hashed for values with (modulus 2, remainder 0);
comment on table measures is 'measured';
create table lone_parent (a int) partition by list (a);

create foreign data wrapper dummy options (debug 'true', "odd option" 'it''s');
comment on foreign data wrapper dummy is 'does nothing';
grant usage on foreign data wrapper dummy to reader;
create server far type 'pg' version '9' foreign data wrapper postgres_fdw options (host 'far.example', port '5432');
create server near foreign data wrapper dummy;
comment on server far is 'far away';
grant usage on foreign server far to reader;
create user mapping for reader server far options (user 'them', password 'not a secret');
create user mapping for public server near;
create foreign table far_table (id int options (column_name 'far id') not null, b text default 'x') server far options (schema_name 'there', table_name 't');
comment on foreign table far_table is 'a far table';
create foreign table near_table (a int) server near;

set client_min_messages to error;
create publication everything for all tables with (publish = 'insert');
\if :v15
create publication some_rows for table customers (id, name, mail) where (id > 5), orders with (publish_via_partition_root);
create publication of_schema for tables in schema app;
\else
create publication some_rows for table customers, orders with (publish_via_partition_root);
\endif
create publication none;
reset client_min_messages;
\if :v14
create subscription listens connection 'host=nowhere.example dbname=x' publication a, b with (connect = false, binary, slot_name = none);
\else
create subscription listens connection 'host=nowhere.example dbname=x' publication a, b with (connect = false, slot_name = none);
\endif

create function same(int, text) returns boolean language sql as 'select $1::text = $2';
create function down(int) returns int language sql as 'select -$1';
create operator === (leftarg = int, rightarg = text, function = same);
create operator !!! (rightarg = int, function = down);
comment on operator === (int, text) is 'the same';
create function mood_number(mood) returns int language sql as 'select 1';
create cast (mood as int) with function mood_number (mood) as assignment;
create cast (pair as text) with inout;
comment on cast (mood as int) is 'counted';
create collation reversed (provider = icu, locale = 'de-u-co-phonebk', deterministic = false);
comment on collation reversed is 'like a phone book';
create default conversion app_conversion for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
comment on conversion app_conversion is 'converts';
create operator class app_ops for type int using btree as operator 1 <, function 1 btint4cmp(int, int);
comment on operator class app_ops using btree is 'ours';
create operator family app_family using hash;
comment on operator family app_family using hash is 'our family';
create function on_ddl() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger watch_ddl on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function on_ddl();
alter event trigger watch_ddl disable;
comment on event trigger watch_ddl is 'watches';
create text search configuration ours (copy = english);
create text search dictionary plain (template = simple, stopwords = english);
create text search template blank (lexize = dsimple_lexize);
create text search parser same_parser (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
comment on text search configuration ours is 'our words';
comment on text search dictionary plain is 'plain words';
comment on text search parser same_parser is 'the same';
comment on text search template blank is 'blank';
create access method heap_again type table handler heap_tableam_handler;
comment on access method heap_again is 'again';
create table with_method (a int) using heap_again;
alter default privileges for role writer in schema app grant select on tables to reader;
alter default privileges for role reader revoke execute on functions from public;
alter default privileges for role writer grant usage on schemas to reader;
select lo_create(77777);
comment on large object 77777 is 'large';
grant select on large object 77777 to reader;
create trusted language ours_sql handler plpgsql_call_handler inline plpgsql_inline_handler validator plpgsql_validator;
comment on language ours_sql is 'ours';
\if :v15
grant set on parameter work_mem to reader;
\endif

create table "Odd ""Schema"."Odd.Table
of two lines" ("a	tab" int primary key, "b" text default E'x\ny', "ünïcödé 🐘" text);
comment on table "Odd ""Schema"."Odd.Table
of two lines" is E'with a\ttab, an escape \x1b[31m and a return\r.';
create view "Odd ""Schema"."Mixed" as select 'it''s \ here'::text as a;
create table public.in_public (a int);
create table hidden.secret (a int, b text);
create table public.dollar$sign (a int);
create table app.customers_old (like customers including all);
analyze customers;

create role alone nologin;
create table unshared (a int);
revoke all on unshared from current_user;
create function unshared() returns int language sql as 'select 1';
revoke all on function unshared from public, current_user;
create type unshared_mood as enum ('sad');
revoke all on type unshared_mood from public, current_user;
\if :v16
create role manager nologin;
grant staff to manager with admin option, inherit false, set false;
grant reader to manager with inherit true, set false granted by current_user;
create collation ruled (provider = icu, locale = 'und', rules = '&a < g');
create subscription partial connection 'host=nowhere.example dbname=x' publication a with (connect = false, slot_name = none, origin = none, streaming = parallel, password_required = false, run_as_owner = true);
\endif
\if :v17
create collation plain_bytes (provider = builtin, locale = 'C.UTF-8');
grant maintain on orders to reader;
create table counted (id int generated always as identity, at timestamp default now()) partition by range (id);
create subscription follows connection 'host=nowhere.example dbname=x' publication a with (connect = false, slot_name = none, failover = true);
\endif
\if :v18
create table promised (
  id int constraint there not null, a int, b int generated always as (a * 2) virtual, c text not null no inherit,
  d int constraint unchecked check (d > 0) not enforced, constraint d_there not null d);
alter table promised add constraint a_there not null a not valid;
create table promised_child (e int not null) inherits (toys);
create table booked (room int, during daterange, constraint booked_key primary key (room, during without overlaps));
create table booked_part (room int, during daterange, foreign key (room, period during) references booked (room, period during));
create table owed (c bigint, constraint owed_c foreign key (c) references customers not enforced);
create publication of_generated for table promised with (publish_generated_columns = stored);
create function leaks_not(int) returns int language sql leakproof as 'select $1';
\endif
