//! What becomes of a script when something it wanted was done. It must not know how it was done.

use super::step::{Ran, Run, Step};
use super::{After, Inline, Level, SAVEPOINT, Script, Watch, awaits_data, crosstab};
use crate::model::sql::Query;
use crate::model::{Diagnosis, Kind};
use std::path::Path;

impl Script {
    /// A [`Step::Run`] was done.
    pub fn ran(&mut self, run: &Run, ran: &Ran) {
        let after = std::mem::take(&mut self.after);
        if run.own {
            if let Some(error) = &ran.error {
                self.note_error(error);
                self.failed = true;
                self.stop();
            }
            return;
        }
        // Those of our own come before the statement whose data these are.
        let had_file = self.copy.take().is_some();
        let asked = std::mem::take(&mut self.asked);
        self.done += 1;
        let guarded = std::mem::take(&mut self.guarded);
        self.note(ran);
        if guarded {
            let words = if ran.error.is_some() { "ROLLBACK TO" } else { "RELEASE" };
            // Before what the statement itself has queued (\gexec).
            self.own_next(&format!("{words} {SAVEPOINT}"));
        }
        if let Some(error) = &ran.error {
            self.failed = true;
            // Data that stand in the script and were not read are not statements.
            let elsewhere = asked || had_file || self.feeds_from_stdin() || run.to.is_some();
            if self.inline == Inline::No && !elsewhere && awaits_data(&run.query.sql) {
                self.inline = Inline::Open;
            }
            let is_over = matches!(error.kind, Kind::Cancelled);
            if self.variables.is_on("ON_ERROR_STOP") || is_over {
                self.stop();
            } else if self.variables.get("ECHO") == Some("errors") {
                self.push(Step::Warn(format!("STATEMENT:  {};\n", run.query.sql)));
            }
            return;
        }
        match after {
            After::Nothing => {}
            After::Set(prefix) => {
                if let Err(words) = self.set(&prefix, ran) {
                    self.complain(run, words);
                }
            }
            After::Execute => {
                for cell in ran.rows.iter().flatten().flatten() {
                    let mut query = Query::new(cell.clone());
                    if let Some(line) = run.query.line() {
                        query = query.on(line);
                    }
                    let file = run.file.clone();
                    let previous = self.previous.take();
                    self.send_as(query, After::Nothing, |run| {
                        run.unseen = true;
                        run.file = file;
                    });
                    self.previous = previous;
                }
            }
            After::Crosstab(arguments) => match crosstab::pivot(ran, &arguments) {
                Ok(mut table) => {
                    table.display = run.display.clone();
                    self.push(Step::Table(Box::new(table)));
                }
                Err(words) => self.complain(run, words),
            },
            After::Describe => self.describe(ran),
            After::Watch(watch) => self.again(run, watch, ran.count),
        }
    }

    fn again(&mut self, run: &Run, mut watch: Watch, rows: u64) {
        if let Some(left) = &mut watch.left {
            *left -= 1;
            if *left == 0 {
                return;
            }
        }
        if watch.least.is_some_and(|least| rows < least) {
            return;
        }
        self.push(Step::Pause(watch.every));
        let (query, display, file) = (watch.query.clone(), run.display.clone(), run.file.clone());
        self.send_as(query, After::Watch(watch), |run| {
            run.display = display;
            run.file = file;
        });
    }

    /// `\gset`.
    fn set(&mut self, prefix: &str, ran: &Ran) -> Result<(), String> {
        let row = match ran.rows.as_slice() {
            [] => return Err("no rows returned for \\gset".to_owned()),
            [row] => row,
            _ => return Err("more than one row returned for \\gset".to_owned()),
        };
        for (column, cell) in ran.columns.iter().zip(row) {
            let name = format!("{prefix}{}", column.name);
            if MEANT.contains(&name.as_str()) {
                self.push(Step::Warn(format!(
                    "\\gset: the variable {name} has a meaning of its own and was left alone"
                )));
                continue;
            }
            match cell {
                Some(value) => self.variables.set(&name, value)?,
                None => self.variables.unset(&name),
            }
        }
        Ok(())
    }

    /// The catalogue was asked.
    pub fn looked(&mut self, outcome: Result<(), String>) {
        if let Err(words) = outcome {
            self.refused(words);
        }
    }

    /// What was wanted cannot be done.
    pub fn refused(&mut self, words: String) {
        let place = self.place();
        self.fault_at(words, place);
    }

    /// Whether errors stop it.
    pub fn stops(&self) -> bool {
        self.stopped
    }

    /// `\gdesc`: names and types of the columns of what was not run.
    fn describe(&mut self, ran: &Ran) {
        if ran.columns.is_empty() {
            return self.push(Step::Tell("The command has no result, or the result has no columns.\n".to_owned()));
        }
        let rows: Vec<String> = ran
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let name = column.name.replace('\'', "''");
                let modifier = ran.modifiers.get(at).copied().unwrap_or(-1);
                format!("({at},'{name}'::pg_catalog.text,'{}'::pg_catalog.oid,{modifier})", column.oid)
            })
            .collect();
        let sql = format!(
            "SELECT name AS \"Column\", pg_catalog.format_type(kind, modifier) AS \"Type\" \
             FROM (VALUES {}) AS c (place, name, kind, modifier) ORDER BY place",
            rows.join(",")
        );
        let previous = self.previous.take();
        self.send_as(Query::new(sql), After::Nothing, |_| {});
        self.previous = previous;
    }

    /// A [`Step::Include`] may be read, or not.
    pub fn allowed(&mut self, path: &Path, allowed: bool) {
        if !allowed {
            self.failed = true;
            return self.stop();
        }
        let line = self.levels.last().map_or(0, |level| level.scanner.line());
        if self.levels.len() >= super::DEEPEST {
            return self.fault(format!("{}: files are included {} deep", path.display(), super::DEEPEST), line);
        }
        match Level::file(path) {
            Ok(level) => self.levels.push(level),
            Err(error) => self.fault(format!("{}: {error}", path.display()), line),
        }
    }

    /// A [`Step::Connect`] was done, or not.
    pub fn connected(&mut self, error: Option<&Diagnosis>) {
        if let Some(error) = error {
            self.note_error(error);
            self.failed = true;
            // Going on would run the rest in the wrong database.
            self.stop();
        }
    }

    fn complain(&mut self, run: &Run, words: String) {
        let place = run.place(None).unwrap_or_else(|| self.place());
        self.fault_at(words, place);
    }

    pub(super) fn push(&mut self, step: Step) {
        self.steps.push_back((step, After::Nothing));
    }

    /// The variables that tell how the last statement went.
    fn note(&mut self, ran: &Ran) {
        let (error, code, count) = match &ran.error {
            Some(error) => ("true", error.code.clone().unwrap_or_default(), 0),
            None => ("false", "00000".to_owned(), ran.count),
        };
        for (name, value) in [("ERROR", error), ("SQLSTATE", &code), ("ROW_COUNT", &count.to_string())] {
            // These names are good ones.
            let _ = self.variables.set(name, value);
        }
        if let Some(error) = &ran.error {
            self.note_error(error);
        }
    }

    fn note_error(&mut self, error: &Diagnosis) {
        let _ = self.variables.set("LAST_ERROR_MESSAGE", &error.title);
        let _ = self.variables.set("LAST_ERROR_SQLSTATE", error.code.as_deref().unwrap_or_default());
        self.last_error = Some(error.clone());
    }
}

/// Variables whose setting does something: a query's result must not.
const MEANT: [&str; 10] = [
    "AUTOCOMMIT",
    "ECHO",
    "ECHO_HIDDEN",
    "FETCH_COUNT",
    "ON_ERROR_ROLLBACK",
    "ON_ERROR_STOP",
    "QUIET",
    "SHOW_CONTEXT",
    "SINGLELINE",
    "VERBOSITY",
];
