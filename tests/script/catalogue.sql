-- Words about the catalogue among statements.
\connect billing
drop schema if exists corpus cascade;
create schema corpus;
set search_path to corpus, public;
create table parent (id int primary key, note text default 'x' check (note <> ''));
create table child (id int references parent on delete cascade, at timestamptz not null);
create index on child (at);
create view shown as select id, note from parent where id > 0;
create function twice(n int) returns int language sql as $$ select n * 2 $$;
comment on table parent is 'of many';
\d parent
\d child
\d+ shown
\dt
\dt+ par*
\dv
\di
\df twice
\sf twice
\sv shown
\dn corpus
\dx
\du postgres
-- A list of nothing is no failure.
\dt nothing_*
\di+ nothing_*
\drds nobody
-- Under every setting of the display that changes them.
\t
\dt
\d parent
\a
\dt
\d parent
\t
\dt
\d child
\x
\dt
\d child
\dn corpus
\a
\dt
\d child
\dt nothing_*
\du postgres
\x
\pset border 2
\dt
\d child
\df twice
\pset linestyle unicode
\pset null (null)
\pset title 'not of lists'
\d+ parent
\dt+ nothing_*
\pset format html
\d child
\dv
\x
\d child
\dv
\x
\pset format asciidoc
\d child
\dv
\pset format csv
\pset csv_fieldsep ';'
\d child
\dv
\t
\dv
\t
\pset csv_fieldsep ,
\pset format wrapped
\pset columns 40
\d+ parent
\df
drop schema corpus cascade;
-- A relation that is not there is a failure, which ends the script.
\d nothing_*
\echo not reached
