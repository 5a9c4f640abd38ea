-- Every format, line style and border of \pset that is had, with what makes them differ: line breaks, wide characters,
-- titles, no rows, no columns, NULL, what each format has to escape.
create temp table shown (n int, name text, note text, amount numeric);
insert into shown values
    (1, 'one & <two> "three"', null, 1.5),
    (22, E'two\nlines | and | bars', '   leading', null),
    (333, 'größe 世界', E'x\ny\nlonger line that is wrapped in a narrow window', -1000.25),
    (4, '', ' ', 0);
prepare all_of as select * from shown order by n;
prepare named as select n as "a
name", name as "b|c", note as "<d>" from shown order by n limit 2;
prepare none as select * from shown where false;
\pset null (null)
\pset columns 60
\pset format wrapped
execute all_of;
execute named;
\pset columns 40
execute all_of;
\pset border 0
execute all_of;
\pset border 2
execute all_of;
\pset columns 10
execute all_of;
\pset columns 45
\x on
execute all_of;
\pset border 0
execute all_of;
execute named;
\pset border 1
execute all_of;
execute named;
\pset columns 12
execute all_of;
\pset columns 0
\pset format aligned
\x auto
execute all_of;
\pset columns 50
execute all_of;
select 1 as one_column_is_never_turned_however_long_it_is_and_this_one_is_long;
\pset columns 0
\x off
\pset linestyle unicode
execute all_of;
execute named;
\pset border 2
\pset title 'Boxes'
execute all_of;
execute none;
\x
execute all_of;
execute named;
execute none;
\x
\pset unicode_border_linestyle double
execute all_of;
\pset unicode_column_linestyle double
execute all_of;
\pset unicode_header_linestyle double
execute all_of;
\pset unicode_border_linestyle single
\pset unicode_column_linestyle single
execute all_of;
\x
execute all_of;
\pset format wrapped
\pset columns 40
execute all_of;
\x
execute all_of;
\pset columns 0
\pset border 0
execute all_of;
\pset format aligned
\pset title
\pset linestyle old-ascii
execute all_of;
execute named;
\pset border 1
execute named;
execute all_of;
\pset border 2
execute named;
\pset format wrapped
\pset columns 40
execute all_of;
\x
execute all_of;
execute named;
\pset border 1
execute named;
\x
\pset columns 0
\pset linestyle ascii
\pset format html
execute all_of;
execute named;
execute none;
\pset title 'A <title>'
\T 'class="wide"'
execute all_of;
\x
execute all_of;
execute none;
\t
execute all_of;
\x
execute all_of;
\t
\T
\pset footer off
execute all_of;
\pset footer on
\pset format asciidoc
execute all_of;
execute named;
execute none;
\x
execute all_of;
\t
execute all_of;
\x
execute all_of;
\t
\pset title
\pset border 0
execute all_of;
\pset border 2
execute all_of;
\pset border 1
\pset format unaligned
execute all_of;
\pset title 'Plain'
execute all_of;
\pset recordsep ';'
execute all_of;
\x
execute all_of;
execute none;
\pset title
execute all_of;
execute none;
\t
execute all_of;
\x
execute all_of;
execute none;
\pset recordsep '\n'
\pset fieldsep '\t'
execute all_of;
\t
\pset fieldsep_zero
\pset recordsep_zero
execute all_of;
\x
execute all_of;
\x
\pset recordsep '\n'
\pset fieldsep '|'
\pset format csv
\pset csv_fieldsep ';'
execute all_of;
\pset csv_fieldsep .
execute all_of;
\x
execute all_of;
\t
execute all_of;
\t
\x
\pset csv_fieldsep ,
\H
select 1 as a;
\H
select 1 as a;
\a
select 1 as a;
\a
\pset format al
select 1 as a;
\pset
\pset border 2
\pset border
\pset linestyle u
\pset columns 80
\pset title 'it''s'
\pset
select 1 as a, 'x' as b \g (format=html border=3)
select 1 as a, 'x' as b \gx (format=unaligned)
