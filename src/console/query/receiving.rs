//! What a statement's answers become: results that are kept, and news of them at a bounded rate. It must not know how the
//! answers come.

use super::current::Current;
use super::order::{News, Outcome, ResultId};
use super::outlet::Outlet;
use super::shape::{Shape, Shaped, Ticket};
use super::stopping::Stop;
use super::text;
use super::worker::{FIRST, RATE, RESULTS, WINDOW, Worker};
use crate::access::{Full, Limits, LineHealth, ResultSet, Session};
use crate::model::{Column, Diagnosis, Happening, Kind, Page};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;

/// Bytes of a result that are not worth a file.
const SMALL: usize = 64 << 10;

impl Worker {
    pub(super) fn hear(&mut self, current: &mut Current, happening: Result<Happening, Diagnosis>, modifiers: &[i32]) {
        if let Ok(piece) = &happening
            && self.leave_out(current, piece)
        {
            return;
        }
        let happening = match &mut current.script {
            Some(scripted) => match scripted.hear(happening, modifiers) {
                Some(happening) => happening,
                None => return,
            },
            None => happening,
        };
        match happening {
            Ok(Happening::Columns(columns)) => self.begin(current, columns),
            Ok(Happening::Rows(page)) => self.push(current, page),
            Ok(Happening::CopyData(data)) => {
                if current.result.is_none() {
                    self.begin(current, vec![Column { name: "COPY".to_owned(), oid: 25 }]);
                }
                if let Some(page) = current.lines(&data) {
                    self.push(current, page);
                }
            }
            // Answered where the data are.
            Ok(Happening::CopyIn) => {}
            Ok(Happening::Notice(notice)) => (self.tell)(News::Notice(notice)),
            Ok(Happening::Reconnected(what)) => (self.tell)(News::Reconnected(what)),
            Ok(Happening::Complete { tag, rows }) => {
                current.answered();
                if let Some(page) = current.rest() {
                    self.push(current, page);
                }
                self.flush(current);
                if current.stop.as_ref().is_some_and(|stop| stop.thrown > 0)
                    && let Some(result) = current.result
                {
                    let why =
                        format!("the cancel came too late to stop it; only the first {} rows are kept", current.rows);
                    (self.tell)(News::Short { result, why });
                }
                current.rows = rows;
                self.complete(current, tag);
            }
            Err(diagnosis) => {
                self.flush(current);
                // The cancel that a cap sent is no failure: the rows up to it are what was wanted.
                if current.full && !current.by_user && diagnosis.kind == Kind::Cancelled {
                    self.complete(current, "cut short".to_owned());
                    return;
                }
                self.fail(current, diagnosis);
            }
        }
    }

    /// What comes for a file after a cancel, or once the file takes nothing more, is let go; whether it was.
    fn leave_out(&mut self, current: &mut Current, piece: &Happening) -> bool {
        let stopped = current.stop.as_ref().is_some_and(Stop::is_wanted);
        let Some(scripted) = &mut current.script else { return false };
        let broken = scripted.outlet().is_some_and(Outlet::is_broken);
        if !stopped && !broken {
            current.tell_written(&self.tell);
            return false;
        }
        let Some(size) = scripted.leave_out(piece) else { return false };
        if let Some(stop) = &mut current.stop {
            stop.thrown += size as u64;
        }
        // As where rows are capped: what is only read need not go on, what would be undone must.
        if broken && !std::mem::replace(&mut current.full, true) && !current.keeps {
            current.cancel(&self.tell, false);
        }
        true
    }

    pub(super) fn fail(&mut self, current: &mut Current, mut diagnosis: Diagnosis) {
        if let Some(scripted) = &mut current.script {
            scripted.failed(&mut diagnosis);
            if scripted.is_run() {
                // The text that was sent is the first of the run.
                current.index = 0;
            }
        }
        current.outcome = Some(if diagnosis.kind == Kind::Cancelled { Outcome::Cancelled } else { Outcome::Failed });
        let (run, index, result, timing) = (current.run, current.index, current.result, current.timing());
        (self.tell)(News::Failed { run, index, result, diagnosis, timing });
    }

    pub(super) fn hear_health(&mut self, health: LineHealth) {
        if health != self.health {
            self.health = health.clone();
            (self.tell)(News::Health(health));
        }
    }

    pub(super) fn complete(&mut self, current: &mut Current, tag: String) {
        current.outcome = Some(Outcome::Done);
        let (run, index, rows, timing) = (current.run, current.index, current.rows, current.timing());
        (self.tell)(News::Complete { run, index, result: current.result.take(), tag, rows, timing });
    }

    pub(super) fn begin(&mut self, current: &mut Current, columns: Vec<Column>) {
        current.answered();
        current.full = false;
        let columns: Arc<[Column]> = columns.into();
        let id = ResultId(self.next);
        self.next += 1;
        let limits = self.make_room();
        if self.results.len() == RESULTS {
            self.results.pop_front();
        }
        self.results.push_back((id, ResultSet::new(Arc::clone(&columns), limits)));
        current.result = Some(id);
        (self.tell)(News::Columns { run: current.run, index: current.index, result: id, columns });
    }

    /// Rows of earlier results go to their files, so that one more may have the memory; gives its limits. Where the disk
    /// takes nothing they stay, which is told once, and one more has what is left.
    fn make_room(&mut self) -> Limits {
        let held =
            |results: &VecDeque<(ResultId, ResultSet)>| results.iter().map(|(_, set)| set.memory()).sum::<usize>();
        if held(&self.results) <= self.limits.memory / 4 {
            return self.limits;
        }
        let large = self.results.iter_mut().filter(|(_, set)| set.memory() > SMALL);
        let refused = large.map(|(_, set)| set.rest()).find_map(Result::err);
        let Some(full) = refused else {
            self.told_full = false;
            return self.limits;
        };
        if !std::mem::replace(&mut self.told_full, true) {
            let left = "earlier results stay in memory, and later ones have what is left of memory_limit";
            let diagnosis = Diagnosis::new(Kind::Local, full.to_string()).because(left);
            (self.tell)(News::Trouble(diagnosis.advise("Make room there, or name another folder in TMPDIR")));
        }
        Limits { memory: self.limits.memory.saturating_sub(held(&self.results)), ..self.limits }
    }

    pub(super) fn push(&mut self, current: &mut Current, page: Page) {
        // After a cancel nobody wants more: what was under way is read and let go.
        if let Some(stop) = current.stop.as_mut().filter(|stop| stop.is_wanted()) {
            stop.thrown += page.size() as u64;
            return;
        }
        let Some((id, set)) = self.results.back_mut().filter(|_| !current.full) else { return };
        let first = set.rows() == 0;
        let id = *id;
        let pushed = set.push(page);
        current.rows = set.rows();
        if first {
            // The first rows are seen at once, whatever comes behind them.
            self.flush(current);
            current.flush = None;
            (self.tell)(News::Rows { result: id, rows: current.rows, bytes: self.bytes() });
            self.window(id, 0, FIRST);
        } else if current.flush.is_none() {
            current.flush = Some(Instant::now() + RATE);
        }
        if let Err(full) = pushed {
            self.flush(current);
            self.short(current, id, &full);
        }
    }

    /// A result takes no more: the statement is cancelled, unless that would undo what it or its transaction did.
    pub(super) fn short(&mut self, current: &mut Current, result: ResultId, full: &Full) {
        current.full = true;
        let what = if current.keeps {
            "; the rest is read and let go, because cancelling would undo work"
        } else {
            "; the statement was cancelled"
        };
        (self.tell)(News::Short { result, why: format!("{full}{what}") });
        if !current.keeps {
            current.cancel(&self.tell, false);
        }
    }

    pub(super) fn flush(&mut self, current: &mut Current) {
        if current.flush.take().is_some()
            && let Some((id, set)) = self.results.back()
        {
            (self.tell)(News::Rows { result: *id, rows: set.rows(), bytes: set.bytes() });
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.results.back().map_or(0, |(_, set)| set.bytes())
    }

    pub(super) fn window(&mut self, result: ResultId, first: u64, count: u64) {
        let Some((_, set)) = self.results.iter_mut().find(|(id, _)| *id == result) else { return };
        if let Err(error) = self.desk.window(result, set, first, count, WINDOW) {
            let title = "Rows cannot be read back from the temporary file";
            (self.tell)(News::Trouble(Diagnosis::new(Kind::Local, title).because(error.to_string())));
        }
    }

    pub(super) fn shape(&mut self, ticket: Ticket, shape: Shape) {
        match self.results.iter().find(|(id, _)| *id == shape.result()) {
            Some((_, set)) => self.desk.begin(ticket, shape, set),
            None => (self.tell)(News::Shaped(ticket, Shaped::Stopped(None))),
        }
    }

    pub(super) fn tell_state(&self, session: &Session) {
        (self.tell)(News::State {
            transaction: session.transaction(),
            facts: Box::new(session.facts()),
            away: session.is_away(),
        });
    }

    /// What a statement wrote to a file is there before anybody is told that the statement is over.
    pub(super) async fn written(&mut self, current: &mut Current) {
        let Some(scripted) = &mut current.script else { return };
        let Some(outlet) = scripted.outlet().cloned() else { return };
        let (wrote, torn) = (scripted.wrote(), scripted.is_torn());
        let failed = current.outcome.is_some_and(|outcome| outcome != Outcome::Done);
        // Who has cancelled waits no more, neither for a slow disk nor for a pipe that nobody reads.
        let settled = match current.by_user {
            true => futures_util::FutureExt::now_or_never(outlet.settled()),
            false => self.settle(&outlet).await,
        };
        let trouble = match settled {
            Some(Ok(())) => {
                let (path, bytes) = (outlet.path().display(), outlet.bytes());
                match (wrote, failed || torn) {
                    (true, true) => {
                        let words =
                            format!("{path} is not whole: it ends ({}) where this was stopped", text::size(bytes));
                        self.say(words, true);
                    }
                    (false, true) if bytes == 0 => self.say(format!("{path} is empty: nothing came for it"), true),
                    (true, false) => self.say(format!("written to {path}, {}", text::size(bytes)), false),
                    (false, _) => {}
                }
                return;
            }
            Some(Err(words)) => words,
            None => format!(
                "{} is not whole: nobody waited until all was written ({} so far)",
                outlet.path().display(),
                text::size(outlet.bytes())
            ),
        };
        scripted.unwritten(trouble.clone());
        current.outcome = Some(Outcome::Failed);
        self.out.take_if(|out| out.path() == outlet.path());
        self.trouble(current.run, Diagnosis::new(Kind::Local, trouble));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PageBuilder, Settings};
    use std::path::PathBuf;
    use std::sync::Mutex;
    use tokio::sync::mpsc::unbounded_channel;

    #[test]
    fn a_full_disk_is_told_once_and_memory_stays_bounded() {
        let news = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&news);
        let tell = Arc::new(move |one| heard.lock().expect("nobody panicked").push(one));
        let settings = Settings { memory_limit: 1 << 20, ..Settings::default() };
        let mut worker = Worker::new(&settings, tell, unbounded_channel().1);
        let columns: Arc<[Column]> = Arc::new([Column { name: "a".to_owned(), oid: 25 }]);
        for result in 0..20 {
            let limits = worker.make_room();
            let mut set = ResultSet::in_folder(Arc::clone(&columns), limits, PathBuf::from("/nowhere/at/all"));
            let mut page = PageBuilder::new(1);
            page.push([Some("x".repeat(200 << 10).as_str())]);
            // It is cut short where nothing is left.
            let _ = set.push(page.take());
            worker.results.push_back((ResultId(result), set));
        }
        let held: usize = worker.results.iter().map(|(_, set)| set.memory()).sum();
        assert!(held < settings.memory_limit + settings.memory_limit / 4, "{held}");
        let told = news.lock().expect("nobody panicked");
        let [News::Trouble(diagnosis)] = told.as_slice() else { panic!("told {told:?}") };
        assert!(diagnosis.title.contains("/nowhere/at/all"), "{diagnosis:?}");
        drop(told);
        // A disk that has room again is heard of again.
        worker.results.clear();
        worker.make_room();
        let set = ResultSet::new(columns, worker.limits);
        worker.results.push_back((ResultId(20), set));
        assert!(worker.make_room() == worker.limits);
    }
}
