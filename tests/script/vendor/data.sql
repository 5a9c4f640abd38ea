insert into items values (10, 'from a nested file');
\ir deeper.sql
select name from items where id >= 10 order by id;
