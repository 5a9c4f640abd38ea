//! The catalogue's words (`\d`, `\dt`, `\sf`, …) in the pane: the server is asked, and what it answered is shown as rows where it
//! is a list, and as psql's own text where it is a description. It must not know what is asked.

use super::interpreting::Halt;
use super::stopping::Stop;
use super::worker::{After, Worker};
use crate::access::Session;
use crate::access::describe::{self, Printed, Refused};
use crate::access::format::Format;
use crate::access::script::{Printer, Script, Table};
use crate::model::Kind;
use std::sync::Arc;
use tokio::time::Instant;

impl Worker {
    /// Answers one word; windows and a cancel are heard meanwhile.
    pub(super) async fn look(
        &mut self,
        session: &mut Session,
        run: u64,
        script: &mut Script,
        word: &str,
        arguments: &str,
    ) -> Result<(), Halt> {
        let canceller = session.canceller();
        let begun = Instant::now();
        let (mut left, mut stop) = (None, None);
        let answer = {
            let mut asking = std::pin::pin!(describe::describe(session, word, arguments));
            loop {
                tokio::select! {
                    biased;
                    ask = self.waiting.recv(), if left.is_none() => if let Some(after) = self.meanwhile(ask) {
                        left = Some(after);
                        stop = Some(Stop::begin(canceller.clone(), Arc::clone(&self.tell), true));
                    },
                    answer = &mut asking => break answer,
                }
            }
        };
        // A cancel that comes late must not hit what is asked next.
        if let Some(stop) = stop {
            stop.over().await;
        }
        self.lost = session.is_away();
        self.tell_state(session);
        if let Some(after) = left {
            return Err(self.cancelled(run, after));
        }
        let pieces = match answer {
            Ok(pieces) => pieces,
            Err(Refused::Server(diagnosis)) if diagnosis.kind == Kind::Cancelled => {
                return Err(self.cancelled(run, After::Go));
            }
            // For psql, too, that is no failure.
            Err(Refused::NothingListed { words, .. }) => {
                self.say(words, true);
                return Ok(());
            }
            Err(refused) => {
                script.refused(refused.to_string());
                return Ok(());
            }
        };
        if self.out.is_some() {
            let (mut printer, mut bytes) = (Printer::new(Format::Table, None, false), Vec::new());
            pieces.iter().for_each(|piece| printer.listed(&mut bytes, piece, script.display()));
            return self.put(run, String::from_utf8_lossy(&bytes).into_owned(), false).await;
        }
        match <[Printed; 1]>::try_from(pieces) {
            Ok([list]) if list.text.is_none() && list.footers.is_empty() && self.out.is_none() => {
                let mut display = script.display().clone();
                display.title = list.title;
                let table = Table { columns: list.columns, rows: list.rows, display };
                self.table(session, run, (0, begun), table).await
            }
            Ok(one) => self.put(run, one[0].aligned(), false).await,
            Err(many) => self.put(run, many.iter().map(Printed::aligned).collect(), false).await,
        }
    }
}
