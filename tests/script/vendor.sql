-- A vendor's set-up, as they ship them.
\set ON_ERROR_STOP on
\set app script_vendor
\set schema inventory
\set QUIET on
\echo Installing :app
drop database if exists :app;
drop role if exists :app;
create role :app login;
create database :app;
\connect :app
\connect -reuse-previous=on "dbname='script_vendor'"
\restrict sKq93jd
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
\unrestrict sKq93jd
create schema :"schema";
set search_path to :schema;
grant usage on schema :schema to :app;
create table items (
    id integer primary key,
    name text not null, -- a ; in a comment
    note text default 'a ; in a string'
);
create function items_of(prefix text) returns setof items language plpgsql as $function$
begin
    -- ; and 'quotes' and :variables and \commands
    return query select * from items where name like prefix || '%';
end;
$function$;
select current_setting('server_version_num')::int >= 140000 as v14 \gset
\if :v14
create function twice(n int) returns int language sql begin atomic select n * 2; select n * 2 + 0; end;
\else
create function twice(n int) returns int language sql as 'select n * 2; select n * 2 + 0';
\endif
COPY items (id, name, note) FROM stdin;
1	bolt	\N
2	nut	a\tb\nc;
3	washer	\\.
4	:app	'unbalanced
\.
copy items from stdin with (format csv);
5,"screw, long",
6,"quoted ""x""",y
\.
select * from items order by id;
select * from items_of('b');
select twice(21);
select count(*) as items from items \gset n_
\if :n_items
\echo There are :n_items items
\endif
select format('create table part_%s (id integer primary key, a text, b numeric(10,2))', i)
from generate_series(1, 150) i \gexec
select format('create index on part_%s (a)', i) from generate_series(1, 150) i \gexec
\ir vendor/data.sql
\i vendor/more.sql
select count(*) from pg_class where relnamespace = 'inventory'::regnamespace and relkind = 'r';
grant select on all tables in schema :schema to :app;
\copy (select id, name from items order by id) to 'out.csv' csv header
create table copied (like items);
\copy copied (id, name) from 'out.csv' with (format csv, header)
select count(*), max(name) from copied;
\copy copied from stdin
7	inline	x
\.
select * from copied where id = 7;
create extension if not exists pg_trgm schema inventory;
create extension hstore;
do $do$
declare found int;
begin
    select count(*) into found from pg_extension where extname in ('pg_trgm', 'hstore');
    raise notice 'extensions: %', found;
    if found <> 2 then raise exception 'missing; not at all'; end if;
    execute 'create table made_by_do (n int); insert into made_by_do values (1)';
end
$do$;
\if :v14
create procedure add_item(i int, n text) language sql begin atomic
    insert into items (id, name) values (i, n);
    update items set note = case when n like 'x;%' then 'a' else 'b' end where items.id = i;
end;
\else
create procedure add_item(i int, n text) language sql as $$
    insert into items (id, name) values (i, n);
    update items set note = case when n like 'x;%' then 'a' else 'b' end where items.id = i;
$$;
\endif
call add_item(100, 'x; y');
select * from items where id = 100;
create table bulk (n int, filler text);
insert into bulk select i, repeat('f', 100) from generate_series(1, 20000) i;
\copy bulk to 'out.csv' csv
truncate bulk;
\copy bulk from 'out.csv' csv
select count(*), sum(n), min(length(filler)) from bulk;
create rule no_delete as on delete to bulk do instead (select 1; select 2);
begin; savepoint s; insert into bulk values (0, null); rollback to s; commit;
select count(*) from bulk;
\copy (select id, name from items order by id) to 'out.csv' csv header
\o results.txt
select 'to a file' as o;
\qecho also there
\o
copy items to stdout;
\connect postgres
drop database script_vendor;
drop role script_vendor;
\echo Done
