//! A statement that runs for a script, or whose results go to a file: what is kept of it, what is written, where its error
//! stands in the text that was typed. It must not read scripts, nor know the pane.

use super::outlet::Outlet;
use crate::access::format::Format;
use crate::access::script::{Display, Printer, Ran, Run};
use crate::model::{Diagnosis, Happening, Kind};
use std::sync::Arc;

/// A statement that runs for a script.
pub(super) struct Scripted {
    ran: Ran,
    /// `None` where only its results go elsewhere.
    run: Option<Run>,
    /// The text that was typed and run.
    typed: Arc<str>,
    writing: Option<Writing>,
}

/// Its results go to a file.
struct Writing {
    outlet: Outlet,
    printer: Printer,
    display: Display,
    /// Whether columns came and their end did not.
    in_rows: bool,
    /// Whether anything was handed over.
    wrote: bool,
    /// Something was left out.
    torn: bool,
}

impl Scripted {
    /// For a script whose text is `typed`.
    pub(super) fn new(run: &Run, typed: Arc<str>, outlet: Option<Outlet>) -> Scripted {
        let writing = outlet.map(|outlet| Writing::new(outlet, run.display.clone()));
        Scripted { ran: Ran::default(), run: Some(run.clone()), typed, writing }
    }

    /// For a statement of its own, whose results go to a file all the same.
    pub(super) fn written(outlet: Outlet, display: Display) -> Scripted {
        let writing = Some(Writing::new(outlet, display));
        Scripted { ran: Ran::default(), run: None, typed: Arc::from(""), writing }
    }

    /// Keeps what is kept, writes what is written; gives what is to be shown. `modifiers` are those of the columns.
    pub(super) fn hear(
        &mut self,
        happening: Result<Happening, Diagnosis>,
        modifiers: &[i32],
    ) -> Option<Result<Happening, Diagnosis>> {
        let keep = self.run.as_ref().is_some_and(|run| run.keep);
        match happening {
            Ok(Happening::Columns(columns)) if keep => {
                (self.ran.columns, self.ran.rows) = (columns, Vec::new());
                self.ran.modifiers = modifiers.to_vec();
            }
            Ok(Happening::Rows(page)) if keep => {
                for row in 0..page.rows() {
                    self.ran.rows.push(page.row(row).map(|cell| cell.map(str::to_owned)).collect());
                }
            }
            Ok(Happening::Complete { tag, rows }) => {
                self.ran.count = rows;
                if let Some(writing) = self.writing.as_mut().filter(|_| !keep) {
                    writing.complete(rows);
                }
                return Some(Ok(Happening::Complete { tag, rows }));
            }
            Err(diagnosis) => {
                if let Some(writing) = &mut self.writing {
                    writing.abandon();
                }
                return Some(Err(diagnosis));
            }
            Ok(happening) => {
                return match &mut self.writing {
                    Some(writing) => writing.hear(happening).map(Ok),
                    None => Some(Ok(happening)),
                };
            }
        }
        None
    }

    /// Where results are written; [`Outlet::is_full`] says when to read no more of them.
    pub(super) fn outlet(&self) -> Option<&Outlet> {
        self.writing.as_ref().map(|writing| &writing.outlet)
    }

    /// Bytes of what would be written, left out instead; `None` where it goes to no file.
    pub(super) fn leave_out(&mut self, happening: &Happening) -> Option<usize> {
        let keeps = self.run.as_ref().is_some_and(|run| run.keep);
        let writing = self.writing.as_mut().filter(|_| !keeps)?;
        let size = match happening {
            Happening::Rows(page) => page.size(),
            Happening::CopyData(data) => data.len(),
            _ => return None,
        };
        writing.torn = true;
        Some(size)
    }

    /// Whether something was left out.
    pub(super) fn is_torn(&self) -> bool {
        self.writing.as_ref().is_some_and(|writing| writing.torn)
    }

    /// Whether anything of it was written.
    pub(super) fn wrote(&self) -> bool {
        self.writing.as_ref().is_some_and(|writing| writing.wrote)
    }

    /// Whether a script runs it.
    pub(super) fn is_run(&self) -> bool {
        self.run.is_some()
    }

    /// It failed: where that stands in the text that was typed, as a character of it, or else in words.
    pub(super) fn failed(&mut self, diagnosis: &mut Diagnosis) {
        self.ran.error = Some(diagnosis.clone());
        let Some(run) = &self.run else { return };
        if let Some(at) = diagnosis.at
            && run.file.is_none()
            && let Some(at) = self.typed_at(run, at)
        {
            diagnosis.at = Some(at);
            return;
        }
        if diagnosis.kind == Kind::Cancelled {
            return;
        }
        let place = run.place(diagnosis.at);
        if let Some(place) = place.filter(|place| place.file.is_some() || run.unseen || diagnosis.at.is_none()) {
            diagnosis.title = format!("{place}: {}", diagnosis.title);
        }
        diagnosis.at = None;
    }

    /// The character of the typed text that character `at` of the statement came from.
    fn typed_at(&self, run: &Run, at: usize) -> Option<usize> {
        let sql = &run.query.sql;
        let byte = sql.char_indices().nth(at).map_or(sql.len(), |(byte, _)| byte);
        let (line, column) = run.query.place_at(byte)?;
        let start: usize = self.typed.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
        Some(self.typed.get(..start + column)?.chars().count())
    }

    /// What the script is told.
    pub(super) fn over(self) -> Ran {
        self.ran
    }

    /// What could not be written counts as an error.
    pub(super) fn unwritten(&mut self, words: String) {
        self.ran.error.get_or_insert(Diagnosis::new(Kind::Local, words));
    }
}

impl Writing {
    fn new(outlet: Outlet, display: Display) -> Writing {
        // What a file holds is as the server sent it: no terminal reads it.
        Writing {
            outlet,
            printer: Printer::new(Format::Table, None, false),
            display,
            in_rows: false,
            wrote: false,
            torn: false,
        }
    }

    /// Gives what is not for the file.
    fn hear(&mut self, happening: Happening) -> Option<Happening> {
        let mut out = Vec::new();
        match happening {
            Happening::Columns(columns) => {
                self.in_rows = true;
                self.printer.columns(&mut out, columns, &self.display);
            }
            Happening::Rows(page) => self.printer.rows(&mut out, page),
            Happening::CopyData(data) => out = data.to_vec(),
            other => return Some(other),
        }
        self.put(out);
        None
    }

    fn complete(&mut self, rows: u64) {
        if std::mem::take(&mut self.in_rows) {
            let mut out = Vec::new();
            self.printer.finish(&mut out, rows);
            self.put(out);
        }
    }

    fn abandon(&mut self) {
        if std::mem::take(&mut self.in_rows) {
            let mut out = Vec::new();
            self.printer.abandon(&mut out);
            self.put(out);
        }
    }

    fn put(&mut self, out: Vec<u8>) {
        if !out.is_empty() {
            self.wrote = true;
            self.outlet.put(out);
        }
    }
}
