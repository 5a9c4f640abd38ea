-- Words about the catalogue among statements.
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
\d nothing_*
\dx
\du postgres
drop schema corpus cascade;
