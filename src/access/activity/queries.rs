//! What the server is asked about its sessions: `pg_stat_activity`, `pg_locks` and `pg_prepared_xacts` of PostgreSQL 11
//! and later (documentation, "The Cumulative Statistics System" and "System Views"). It must not know what becomes of the
//! rows.

/// One row a session, and one a prepared transaction. `pg_blocking_pids` stops the server's lock manager for a moment, so
/// it is asked only about those that wait for a lock. Ages are microseconds before one moment: what is younger stays younger
/// in every look, and rows that are ordered by age change places only when something happens. Only the beginning of the
/// statements comes: there may be thousands. In a read-only session of ours more stands before a COMMIT.
pub(super) const LOOK: &str = "\
select a.pid, (a.backend_start at time zone 'UTC')::text, a.usename, a.datname, a.application_name, \
host(a.client_addr), a.backend_type, a.state, a.wait_event_type, a.wait_event, \
(extract(epoch from statement_timestamp() - a.xact_start) * 1000000)::bigint, \
(extract(epoch from statement_timestamp() - a.query_start) * 1000000)::bigint, \
(extract(epoch from statement_timestamp() - a.state_change) * 1000000)::bigint, \
case when a.wait_event_type = 'Lock' then array_to_string(pg_catalog.pg_blocking_pids(a.pid), ',') end, \
left(a.query, case when a.query like 'SET TRANSACTION READ ONLY; DO %' then 900 else 300 end), a.pid = pg_catalog.pg_backend_pid() \
from pg_catalog.pg_stat_activity a order by a.pid; \
select p.gid, p.owner, p.database, (extract(epoch from statement_timestamp() - p.prepared) * 1000000)::bigint \
from pg_catalog.pg_prepared_xacts p order by p.prepared";

/// The session that is meant, and no other that has its process id by now; `began` is a literal.
pub(super) fn whose(pid: i32, began: &str) -> String {
    format!("a.pid = {pid} and (a.backend_start at time zone 'UTC')::text = {began}")
}

/// All of one session: its row as it is, and its locks with the names of relations of this database.
pub(super) fn detail(pid: i32, began: &str) -> String {
    let whose = whose(pid, began);
    format!(
        "select a.query, a.datname, a.usename, a.application_name, host(a.client_addr), a.client_port::text, \
         a.backend_type, a.state, a.wait_event_type, a.wait_event, a.backend_start::text, a.xact_start::text, \
         a.query_start::text, a.state_change::text, a.backend_xid::text, a.backend_xmin::text, \
         case when a.wait_event_type = 'Lock' then array_to_string(pg_catalog.pg_blocking_pids(a.pid), ', ') end \
         from pg_catalog.pg_stat_activity a where {whose}; \
         select l.locktype, case when l.relation is not null and l.database in \
         (0, (select oid from pg_catalog.pg_database where datname = current_database())) \
         then l.relation::regclass::text when l.relation is not null then 'relation ' || l.relation::text \
         || ' of another database' else coalesce(l.transactionid::text, l.virtualxid, l.objid::text, '') end, \
         l.mode, l.granted from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid \
         where {whose} and (l.locktype <> 'virtualxid' or not l.granted) order by l.granted, 1, 2, 3"
    )
}

/// Names of the columns of [`detail`], after the statement.
pub(super) const FIELDS: &[&str] = &[
    "database",
    "role",
    "application",
    "client",
    "port",
    "process",
    "state",
    "waits for",
    "event",
    "session began",
    "transaction began",
    "statement began",
    "in this state since",
    "transaction id",
    "oldest row version it needs",
    "blocked by",
];
