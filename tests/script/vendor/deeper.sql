insert into items values (11, 'from beside it');
