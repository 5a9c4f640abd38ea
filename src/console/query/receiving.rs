//! What a statement's answers become: results that are kept, and news of them at a bounded rate. It must not know how the
//! answers come.

use super::current::Current;
use super::order::{News, Outcome, ResultId};
use super::shape::{Shape, Shaped, Ticket};
use super::worker::{FIRST, RATE, RESULTS, WINDOW, Worker};
use crate::access::{Full, LineHealth, ResultSet, Session};
use crate::model::{Column, Diagnosis, Happening, Kind, Page};
use std::sync::Arc;
use tokio::time::Instant;

impl Worker {
    pub(super) fn hear(&mut self, current: &mut Current, happening: Result<Happening, Diagnosis>, modifiers: &[i32]) {
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
        let held: usize = self.results.iter().map(|(_, set)| set.memory()).sum();
        if held > self.limits.memory / 4 {
            for (id, set) in &mut self.results {
                if set.memory() > 64 << 10
                    && let Err(full) = set.rest()
                {
                    (self.tell)(News::Short { result: *id, why: full.to_string() });
                }
            }
        }
        if self.results.len() == RESULTS {
            self.results.pop_front();
        }
        self.results.push_back((id, ResultSet::new(Arc::clone(&columns), self.limits)));
        current.result = Some(id);
        (self.tell)(News::Columns { run: current.run, index: current.index, result: id, columns });
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
        let wrote = scripted.wrote();
        // Who has cancelled waits no more, neither for a slow disk nor for a pipe that nobody reads.
        let settled = match current.by_user {
            true => futures_util::FutureExt::now_or_never(outlet.settled()),
            false => self.settle(&outlet).await,
        };
        let trouble = match settled {
            Some(Ok(())) => {
                if wrote {
                    self.say(format!("written to {}", outlet.path().display()), false);
                }
                return;
            }
            Some(Err(words)) => words,
            None => format!("{}: nobody waited until all was written", outlet.path().display()),
        };
        scripted.unwritten(trouble.clone());
        current.outcome = Some(Outcome::Failed);
        self.out.take_if(|out| out.path() == outlet.path());
        self.trouble(current.run, Diagnosis::new(Kind::Local, trouble));
    }
}
