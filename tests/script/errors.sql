\set ON_ERROR_STOP off
select 1/0;
\echo :ERROR :SQLSTATE :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE
select 1 as still;
\echo :ERROR :SQLSTATE :LAST_ERROR_SQLSTATE
begin;
select nope;
select 2 as not_run;
rollback;
select 3 as run;
select 1 where false \gset none_
select i from generate_series(1, 2) i \gset many_
\nonsense
\echo after
\set ON_ERROR_ROLLBACK on
begin;
select 1/0;
select 4 as goes_on;
commit;
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT off
select 5 as in_transaction;
rollback;
\set AUTOCOMMIT on
\set ECHO queries
select 6 as echoed;
\set ECHO none
\set ON_ERROR_STOP on
select 1/0;
select 7 as not_reached;
