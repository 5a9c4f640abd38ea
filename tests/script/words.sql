select 1 as a, null as b, 'x,y' as c union all select 2, '', 'q"q' order by 1;
\pset null NULL
select null as n, '' as e;
\g
\x
select 1 as a, null as b, 'x,y' as c union all select 2, '', 'q"q' order by 1;
select 1 as a where false;
\x off
select 1 as a, 2 as b \gx
\t on
select 1 as rows_only, 2;
\t off
\pset csv_fieldsep ;
select 1 as a, 'b;c' as b;
\pset csv_fieldsep ,
select 'a' as r, 'x' as c, 1 as v union all select 'a', 'y', 2 union all select 'b', 'x', 3 order by 1, 2 \crosstabview
select 'a' as r, 'x' as c, 1 as v, 9 as s union all select 'a', 'y', 2, 8 order by 2 \crosstabview r c v s
select 'select ' || i || ' as n' from generate_series(1, 3) i \gexec
select 1 as one, 'two' as two, 3.5::numeric(10,2) as three, array['x'] as "Fo ur" \gdesc

\pset format unaligned
select 1 as a, null as b, 'x|y' as c union all select 2, '', 'z' order by 1;
select 1 as a where false;
\f '\t'
select 1 as a, 2 as b;
\pset fieldsep '|'
\x
select 1 as a, null as b union all select 2, 'z' order by 1;
\x
\t
select 1 as a, 2 as b;
\t
\pset footer off
select 1 as a;
\pset footer on
\C 'A title'
select 1 as a;
\C
\pset format csv
select 1 as a
\p
\r
select 2 as b;
select 1 as x, 2 as y \gset p_
\echo :p_x :p_y
\echo :ROW_COUNT :ERROR :SQLSTATE
select count(*) from generate_series(1, 7);
\echo :ROW_COUNT
\echo :DBNAME :USER :ENCODING
values (1, 'a'), (2, 'b') \g
table pg_catalog.pg_am limit 0;
begin;
\echo in
rollback;
