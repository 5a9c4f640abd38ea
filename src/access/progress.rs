//! How far a long statement is, where the server tells (PostgreSQL, Progress Reporting): VACUUM, ANALYZE, CREATE INDEX,
//! REINDEX, CLUSTER, COPY. Asked from a second session, so that the first is not touched. It must not ask of statements
//! that tell nothing, nor insist where the role may have no second connection.

use super::beside::Beside;
use super::canceller::Canceller;
use crate::model::sql::tokens;
use std::time::Duration;
use tokio::time::sleep;

/// A statement that is done before is not asked about.
const PATIENCE: Duration = Duration::from_secs(3);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The query for phase, done and total of what `statement` does, if the server tells of such.
fn query(statement: &str) -> Option<&'static str> {
    let words: Vec<String> = tokens(statement)
        .filter(|token| !token.is_blank())
        .take(12)
        .map(|token| token.of(statement).to_ascii_lowercase())
        .collect();
    let has = |word: &str| words.iter().any(|one| one == word);
    Some(match words.first()?.as_str() {
        "vacuum" if has("full") => "select phase, heap_blks_scanned, heap_blks_total from pg_stat_progress_cluster",
        "cluster" => "select phase, heap_blks_scanned, heap_blks_total from pg_stat_progress_cluster",
        // VACUUM ANALYZE goes from one to the other.
        "vacuum" => {
            "select * from (select pid, phase, heap_blks_scanned, heap_blks_total from pg_stat_progress_vacuum union all \
             select pid, phase, sample_blks_scanned, sample_blks_total from pg_stat_progress_analyze) p (pid, phase, done, total)"
        }
        "analyze" | "analyse" => "select phase, sample_blks_scanned, sample_blks_total from pg_stat_progress_analyze",
        "create" if has("index") => CREATE_INDEX,
        // A constraint that brings an index.
        "alter" if has("table") && (has("unique") || has("primary")) => CREATE_INDEX,
        "reindex" => CREATE_INDEX,
        "copy" => {
            "select 'copied ' || tuples_processed || ' rows', bytes_processed, bytes_total from pg_stat_progress_copy"
        }
        _ => return None,
    })
}

/// Blocks are counted in some phases, tuples in others.
const CREATE_INDEX: &str = "select phase, case when tuples_total > 0 then tuples_done else blocks_done end, \
                            case when tuples_total > 0 then tuples_total else blocks_total end \
                            from pg_stat_progress_create_index";

/// Whether the server tells how far such a statement is.
pub fn is_told(statement: &str) -> bool {
    query(statement).is_some()
}

/// In words, from what the server's view says.
fn words(phase: &str, done: &str, total: &str) -> String {
    match (done.parse::<u64>(), total.parse::<u64>()) {
        (Ok(done), Ok(total)) if total > 0 => format!("{phase} {} %", (done.min(total) * 100) / total),
        _ => phase.to_owned(),
    }
}

impl Canceller {
    /// Tells how far `statement`, which the session runs, is, whenever that changes; until this is dropped, or nothing can
    /// be learned.
    pub async fn follow(self, statement: String, tell: impl Fn(String)) {
        let Some(query) = query(&statement) else { return };
        sleep(PATIENCE).await;
        let Some((pid, _, line)) = self.backend() else { return };
        let Ok(mut beside) = Beside::open(self.access(), self.target(), &line).await else { return };
        let query = format!("{query} where pid = {pid}");
        let mut told = String::new();
        // A view that this server does not have, or a session that is refused, is no trouble of the user's.
        while let Ok(rows) = beside.rows(&query).await {
            if let Some([.., phase, done, total]) = rows.first().map(Vec::as_slice) {
                let now = words(phase, done, total);
                if now != told {
                    tell(crate::model::visible(&now).into_owned());
                    told = now;
                }
            }
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_its_progress_is_known() {
        for told in [
            "vacuum t",
            "VACUUM (FULL) t",
            "create unique index concurrently i on t (a)",
            "copy t to stdout",
            "alter table t add primary key (a)",
        ] {
            assert!(is_told(told), "{told}");
        }
        for silent in ["select 1", "create table t (n int)", "alter table t add b int", "update t set n = 1", ""] {
            assert!(!is_told(silent), "{silent}");
        }
        assert_eq!(words("scanning heap", "50", "200"), "scanning heap 25 %");
        assert_eq!(words("initializing", "0", "0"), "initializing");
        assert_eq!(words("sorting", "9", "4"), "sorting 100 %");
    }
}
