//! Whether a statement leaves something in its session that would be lost with the wire, judged by its words. Where words
//! do not tell, it is taken to leave something. It must not know sessions.

use crate::model::sql::{Class, CopyWay, classify, statements, tokens};

/// The first words of what only reads. (`DECLARE … WITH HOLD` reads too, and leaves a cursor.)
const READS: [&str; 7] = ["select", "values", "table", "with", "show", "explain", "copy"];
/// Parts of names that leave something behind though the statement only reads: settings, locks, sequences' last values,
/// connections and descriptors that functions keep in the session.
const TRACES: [&str; 9] =
    ["set_config", "setseed", "advisory", "dblink", "nextval", "setval", "lo_open", "lo_creat", "pg_temp"];

/// Whether `text` only reads and leaves nothing in the session.
pub(super) fn is_plain_read(text: &str) -> bool {
    statements(text).iter().all(|statement| {
        let sql = statement.of(text);
        let lower = sql.to_ascii_lowercase();
        let first = tokens(sql).find(|token| token.is_word()).map(|token| token.of(sql).to_ascii_lowercase());
        !statement.backslash
            && matches!(classify(sql), Class::Empty | Class::Reads | Class::Copy(CopyWay::ToStdout))
            && first.is_none_or(|first| READS.contains(&first.as_str()))
            && !TRACES.iter().any(|trace| lower.contains(trace))
    })
}

/// Whether `text` leaves nothing in the session once no transaction is open any more.
pub(super) fn leaves_no_trace(text: &str) -> bool {
    is_plain_read(text) || statements(text).iter().all(|one| classify(one.of(text)) == Class::Transaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_in_the_session_is_known_by_its_words() {
        for (sql, plain, traceless) in [
            ("select * from events", true, true),
            ("copy (select 1) to stdout", true, true),
            ("with a as (select 1) table a", true, true),
            ("(select 1) union select 2", true, true),
            ("explain select 1; show work_mem", true, true),
            ("begin", false, true),
            ("commit", false, true),
            ("select 1; begin", false, false),
            ("set work_mem = '1GB'", false, false),
            ("select set_config('work_mem', '1GB', false)", false, false),
            ("select pg_try_advisory_lock(7)", false, false),
            ("select \"setseed\"(0.5)", false, false),
            ("select nextval('s')", false, false),
            ("declare c cursor with hold for select 1", false, false),
            ("prepare p as select 1", false, false),
            ("listen news", false, false),
            ("create temp table t (n int)", false, false),
            ("select 1 into temp t", false, false),
            ("insert into t values (1)", false, false),
            ("do $$ begin end $$", false, false),
            ("with a as (delete from t returning *) select * from a", false, false),
            ("explain analyze delete from t", false, false),
        ] {
            assert_eq!((is_plain_read(sql), leaves_no_trace(sql)), (plain, traceless), "{sql}");
        }
    }
}
