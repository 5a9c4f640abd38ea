-- Who may log in to the sandbox's server. Run as the administrator in "postgres". rds_iam and its kin are what RDS makes;
-- the people are the sandbox's.
create role rds_superuser nologin;
create role rds_iam nologin;
create role rds_ad nologin;
create role rds_password nologin;
create role rds_replication nologin;
grant pg_monitor, pg_signal_backend, rds_password to rds_superuser with admin option;
create role shop_readers nologin;
create role shop_writers nologin;

-- The master user: by password.
create role postgres login createdb createrole password 'postgres-master-password';
grant rds_superuser, shop_writers to postgres;
-- May write, by token.
create role oncall login;
grant rds_iam, shop_writers to oncall;
-- Reads, by token; a member of rds_iam only through another role.
create role people nologin;
grant rds_iam to people;
create role analyst login;
grant people, shop_readers to analyst;
-- A name that has to be percent-encoded in a token.
create role "jane.doe+oncall@example.com" login;
grant rds_iam, shop_readers to "jane.doe+oncall@example.com";
-- By password only.
create role app login password 'shop-app-password';
grant shop_writers to app;
-- By token, but IAM's policies deny it (src/sandbox/cast/policies.rs).
create role payroll login;
grant rds_iam, shop_readers to payroll;
-- By token, and a member of rds_ad through another role: RDS allows only one of the two.
create role staff nologin;
grant rds_ad to staff;
create role auditor login;
grant rds_iam, staff, shop_readers to auditor;
-- By token, parked: no connection is left to it.
create role batch login connection limit 0;
grant rds_iam, shop_writers to batch;
-- Neither token nor password: refused by either.
create role intern login;
