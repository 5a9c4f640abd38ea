//! Does a tab's work on fetched rows off the worker's thread, so that neither a key nor the wire waits for it: one piece at
//! a time, with progress and a stop. It keeps the orders it made and answers for windows of them. It must not know the
//! session, nor how anything looks.

use super::order::{News, ResultId, Window};
use super::shape::{Arrangement, Shape, Shaped, Ticket};
use super::worker::Tell;
use crate::access::arrange::{Undone, arrange, find::find};
use crate::access::export::{Selection, Unwritten, Written, export};
use crate::access::format::Writer;
use crate::access::{ResultSet, Snapshot};
use crate::model::{Diagnosis, Kind};
use std::collections::HashMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Progress is told this far apart.
const RATE: Duration = Duration::from_millis(80);
/// Bytes that are copied at most: what comes out of OSC 52 is a third longer, and terminals take less than this.
pub(super) const MOST_COPIED: usize = 1 << 20;

type Orders = Arc<Mutex<HashMap<ResultId, Arranged>>>;

/// A result in another order.
struct Arranged {
    rows: Snapshot,
    order: Arc<[u32]>,
}

/// The work of one tab.
pub(super) struct Desk {
    tell: Tell,
    orders: Orders,
    stop: Arc<AtomicBool>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.halt();
    }
}

impl Desk {
    pub(super) fn new(tell: Tell) -> Desk {
        Desk { tell, orders: Orders::default(), stop: Arc::default() }
    }

    /// Stops what is under way.
    pub(super) fn halt(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Results are let go. An export under way keeps what it needs.
    pub(super) fn clear(&mut self) {
        lock(&self.orders).clear();
    }

    /// Tells a window of a result as it is arranged.
    pub(super) fn window(
        &self,
        id: ResultId,
        set: &mut ResultSet,
        first: u64,
        count: u64,
        most: usize,
    ) -> io::Result<()> {
        // Told under the lock: a window is in the order that was told before it, never in one that is told after it.
        let orders = lock(&self.orders);
        let pieces = match orders.get(&id) {
            None => set.window(first, count, most)?,
            Some(Arranged { rows, order }) => {
                let from = usize::try_from(first).unwrap_or(usize::MAX).min(order.len());
                let to = from.saturating_add(usize::try_from(count).unwrap_or(usize::MAX)).min(order.len());
                let mut pieces = Vec::new();
                let mut given = 0;
                for row in &order[from..to] {
                    if given > most {
                        break;
                    }
                    let piece = rows.row((*row).into())?;
                    given += piece.page.row(piece.rows.start).flatten().map(str::len).sum::<usize>();
                    pieces.push(piece);
                }
                pieces
            }
        };
        (self.tell)(News::Window { result: id, window: Window { first, pieces } });
        Ok(())
    }

    /// Begins a piece of work on `set`.
    pub(super) fn begin(&mut self, ticket: Ticket, shape: Shape, set: &ResultSet) {
        self.halt();
        self.stop = Arc::default();
        let (stop, orders, rows) = (Arc::clone(&self.stop), Arc::clone(&self.orders), set.snapshot());
        let tell = Arc::clone(&self.tell);
        if let Shape::Arrange { result, arrangement } = &shape
            && arrangement.is_plain()
        {
            let mut orders = lock(&orders);
            orders.remove(result);
            let (count, arrangement) = (rows.rows(), Arrangement::default());
            tell_of(&tell, ticket, Shaped::Arranged { result: *result, arrangement, rows: count, of: count });
            return;
        }
        tokio::task::spawn_blocking(move || {
            let mut told = Instant::now();
            let mut progress = |done, total| {
                if told.elapsed() >= RATE {
                    told = Instant::now();
                    tell_of(&tell, ticket, Shaped::Progress { done, total });
                }
            };
            if let Some(shaped) = work(shape, rows, &orders, &stop, &mut progress, &tell, ticket) {
                tell_of(&tell, ticket, shaped);
            }
        });
    }
}

fn tell_of(tell: &Tell, ticket: Ticket, shaped: Shaped) {
    tell(News::Shaped(ticket, shaped));
}

fn lock(orders: &Orders) -> MutexGuard<'_, HashMap<ResultId, Arranged>> {
    orders.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does it; `None` when it was told already.
fn work(
    shape: Shape,
    rows: Snapshot,
    orders: &Orders,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
    tell: &Tell,
    ticket: Ticket,
) -> Option<Shaped> {
    let select = |result: &ResultId| match lock(orders).get(result) {
        Some(arranged) => {
            let mut selection = Selection::all(arranged.rows.clone());
            selection.order = Some(Arc::clone(&arranged.order));
            selection
        }
        None => Selection::all(rows.clone()),
    };
    Some(match shape {
        Shape::Arrange { result, arrangement } => match arrange(&rows, &arrangement, stop, progress) {
            Err(error) => undone(error),
            Ok(order) => {
                let mut orders = lock(orders);
                if stop.load(Ordering::Relaxed) {
                    return Some(Shaped::Stopped(None));
                }
                let (count, of) = (order.len() as u64, rows.rows());
                orders.insert(result, Arranged { rows, order: order.into() });
                tell_of(tell, ticket, Shaped::Arranged { result, arrangement, rows: count, of });
                return None;
            }
        },
        Shape::Find { result, needle, from } => {
            let selection = select(&result);
            match find(&selection.rows, selection.order.as_deref(), &needle, from, stop, progress) {
                Ok(found) => Shaped::Found(found),
                Err(error) => undone(error),
            }
        }
        Shape::Copy { result, rows: range, columns, format, bare, table } => {
            let mut selection = select(&result);
            (selection.range, selection.columns) = (range, columns);
            let mut writer = Writer::new(format, None, false);
            if let Some(table) = table {
                writer = writer.into_table(&table);
            }
            let mut out = Vec::new();
            let mut given = 0;
            writer.columns(&mut out, selection.header());
            if bare {
                out.clear();
            }
            let read = selection.each(|page| {
                given += page.rows() as u64;
                writer.rows(&mut out, page);
                Ok(out.len() <= MOST_COPIED && !stop.load(Ordering::Relaxed))
            });
            writer.finish(&mut out, given);
            match read {
                Err(error) => undone(error.into()),
                Ok(()) if stop.load(Ordering::Relaxed) => Shaped::Stopped(None),
                Ok(()) if out.len() > MOST_COPIED => Shaped::TooBig,
                Ok(()) => Shaped::Copied { text: String::from_utf8_lossy(&out).into_owned(), rows: given },
            }
        }
        Shape::Export { result, mut plan, resume } => {
            plan.path = at_home(&plan.path);
            let selection = select(&result);
            let total = selection.count();
            match export(&selection, &plan, resume.as_ref(), stop, &mut |rows, _| progress(rows, total)) {
                Ok(Written::Whole { path, rows, bytes }) => {
                    let mode = std::fs::metadata(&path).map_or(0, |facts| facts.permissions().mode() & 0o777);
                    Shaped::Written { path, rows, bytes, mode }
                }
                Ok(Written::Stopped(part)) => Shaped::Stopped(Some(part)),
                Err(Unwritten::Exists(path)) => Shaped::Exists(path),
                Err(error) => unwritten(error, &plan.path),
            }
        }
    })
}

/// `~/x` is x in the home folder, as shells have it.
pub(in crate::console) fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn undone(error: Undone) -> Shaped {
    match error {
        Undone::Stopped => Shaped::Stopped(None),
        error => Shaped::Failed { diagnosis: Diagnosis::new(Kind::Local, capital(&error.to_string())), part: None },
    }
}

/// Why a file was not written, the reason first: a path may be long. It is named as it was asked for, whatever part of it
/// was being written.
fn unwritten(error: Unwritten, path: &Path) -> Shaped {
    match error {
        Unwritten::Disk { source, part, .. } => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let title = match (source.kind(), folder) {
                (io::ErrorKind::NotFound, Some(folder)) => format!("There is no folder {}", folder.display()),
                _ => {
                    let words = source.to_string();
                    let reason = words.split(" (os error").next().unwrap_or_default();
                    format!("{}: {} cannot be written", capital(reason), path.display())
                }
            };
            let diagnosis = Diagnosis::new(Kind::Local, title);
            let diagnosis = match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    diagnosis.advise("Make room and press e again: it goes on where it stopped; or name another folder")
                }
                io::ErrorKind::NotFound => diagnosis.advise("Name a folder that is there"),
                io::ErrorKind::PermissionDenied => diagnosis.advise("Name a folder you may write to"),
                _ => diagnosis,
            };
            Shaped::Failed { diagnosis, part }
        }
        error => Shaped::Failed { diagnosis: Diagnosis::new(Kind::Local, capital(&error.to_string())), part: None },
    }
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_file_was_not_written_comes_before_its_name() {
        let title = |kind: io::ErrorKind, path: &str| {
            let part = PathBuf::from(format!("{path}.part"));
            let error = Unwritten::Disk { path: part, source: io::Error::from(kind), part: None };
            let Shaped::Failed { diagnosis, .. } = unwritten(error, Path::new(path)) else { panic!("it failed") };
            diagnosis.title
        };
        assert_eq!(title(io::ErrorKind::NotFound, "/nonexist/foo.csv"), "There is no folder /nonexist");
        let denied = title(io::ErrorKind::PermissionDenied, "/root/foo.csv");
        assert_eq!(denied, "Permission denied: /root/foo.csv cannot be written");
    }
}
