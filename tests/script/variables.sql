\set a 1
\set b 'it''s "b"'
\set name "Mixed Case"
\set list 1 2 3
select :a as plain, :'b' as literal, 1 as :"b", ':a' as quoted, $$:a$$ as dollar /* :a */ -- :a
;
select :{?a} as there, :{?nothing} as missing, 'x'::text as cast, (array[1,2,3])[1:2] as slice;
\echo :a :'b' :"b" :{?a} :{?zz} ':a' ":a" plain 'single quoted\ttab\101' :list
\echo -n no newline
\echo
\qecho to the results
\set select 'select 42 as answer;'
:select
\set half 'select 1 as one, '
:half 2 as two;
\set recursive ':recursive'
select ':recursive' as r;
\unset a
\echo :a
select 'a:b' as c, 1 as ":a";
select 1 \; select 2;
select 'back\slash' as s, E'tab\tq\'' as e;
\set bs 'a\\b'
select :'bs' as bs;
\set ON_ERROR_STOP off
\set 1 one
\echo :1
select 'multi
line' as m;
