\if true
\echo taken
\elif yes
\echo not elif
\else
\echo not else
\endif
\if off
select 'not run' as x;
\echo not
\if true
\echo nested not
\else
\echo nested not either
\endif
\elif 1
\echo elif taken
\if no
\else
\echo nested else
\endif
\else
\echo not
\endif
select 1 as a
\if false
  , 2 as b, 'an open (paren'
\else
  , 3 as c
\endif
;
select 5 as version \gset v_
\if :{?v_version}
\echo have :v_version
\endif
select :v_version > 4 as more, false as less \gset
\if :more \echo inline \endif
\if :less
\i /nonexistent
\! echo no
select 1/0;
\endif
\if false
\if true
\elif bogus
\endif
\echo no
\endif
\echo end
