-- Aligned, under every setting that changes it; then what a title, a line break and a wide character do.
create temp table shown (n int, name text, note text, amount numeric);
insert into shown values (1, 'one', null, 1.5), (22, E'two\nlines', E'a\tb', null), (333, 'größe 世界', E'x\r\ny\nlonger line', -1000.25);
select * from shown order by n;
select n, name as "a
name" from shown order by n;
select note, name from shown order by n;
\pset null (null)
select * from shown order by n;
\pset border 0
select * from shown order by n;
\pset border 2
select * from shown order by n;
\pset title 'A title'
select * from shown order by n;
\pset border 1
select * from shown order by n;
\pset border 0
select * from shown order by n;
\pset title
\pset border 1
\x
select * from shown order by n;
select n, name as "a
name" from shown order by n limit 1;
\pset border 0
select * from shown order by n;
\pset border 2
select * from shown order by n;
\pset title 'Another'
select * from shown order by n;
\pset title
\t
select * from shown order by n;
\pset border 1
select * from shown order by n;
\pset border 0
select * from shown order by n;
\pset border 1
\x
select * from shown order by n;
\t
\pset footer off
select * from shown order by n;
select * from shown where false;
\pset footer on
\pset format unaligned
select * from shown order by n;
\pset format aligned
select * from shown where false;
select from shown;
select true as t, 'x'::char(3) as c, '{1,2}'::int[] as a, now() - now() as i, E'\x1b[31m' as escape;
\gx
select 1 as a \g (border=2 title=once)
select 1 as a;
