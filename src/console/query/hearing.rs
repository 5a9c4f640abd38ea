//! What comes back from the worker, put where it belongs: results, messages, the caret of an error, where the session stands.
//! It must not know who runs statements.

use super::log::Entry;
use super::order::{Means, Outcome, Past, Pressed, Timing};
use super::pane::{Focus, Link, Output, Pane, Question, Showing, Stop, Then, Work};
use super::running::{BUSY, first_line};
use super::table::Table;
use super::{LineHealth, News, layout, plan, text, worker};
use crate::console::theme::Tone;
use crate::model::{Diagnosis, Kind, Transaction, visible};
use std::time::SystemTime;

/// What the worker tells.
pub(super) fn hear(pane: &mut Pane, news: News) {
    match news {
        News::Began { run, index, at } => {
            if let Some(running) = pane.run.as_mut().filter(|running| running.number == run) {
                (running.index, running.began, running.progress) = (index, at, None);
                let first = running.sent.get(index).map(|sent| {
                    sent.statement.note.as_deref().filter(|_| sent.start.is_none()).unwrap_or(&sent.statement.sql)
                });
                // Those of a script after the first tell themselves.
                if let Some(first) = first {
                    let shown = first_line(first);
                    pane.log.push(Entry::Statement(shown));
                }
            }
        }
        News::Columns { run, index, result, columns } => {
            answered(pane, run);
            if pane.outputs.len() == worker::RESULTS {
                pane.outputs.remove(0);
                pane.dropped += 1;
            }
            let sent = pane.run.as_ref().and_then(|run| run.sent.get(index));
            let relation = sent.and_then(|sent| super::sheet::relation(&sent.statement.sql));
            pane.outputs.push(Output {
                table: Table::new(result, columns),
                index,
                relation,
                title: None,
                told: None,
                cut_short: None,
                plan: None,
            });
            pane.current = pane.outputs.len() - 1;
            pane.showing = Showing::Rows;
        }
        News::Rows { result, rows, bytes } => {
            if let Some(output) = pane.outputs.iter_mut().find(|output| output.table.id == result) {
                output.table.keeps(rows, bytes);
            }
        }
        News::Window { result, window } => {
            if let Some(output) = pane.outputs.iter_mut().find(|output| output.table.id == result) {
                output.table.take(window);
            }
            plan::recognize(pane, result);
        }
        // The shaping of rows hears this itself, since it may have something to order.
        News::Shaped(..) => {}
        News::Said { text, warning } => {
            let tone = if warning { Tone::Warn } else { Tone::Text };
            let lines = text.strip_suffix('\n').unwrap_or(&text).split('\n');
            lines.for_each(|line| pane.log.push(Entry::Said(tone, line.to_owned())));
        }
        News::Document(text) => document(pane, text),
        News::Titled { result, title } => {
            if let Some(output) = pane.outputs.iter_mut().find(|output| output.table.id == result) {
                output.title = Some(title);
            }
        }
        News::Moved { user, database } => {
            (pane.setup.user, pane.setup.database) = (user, database);
            // Names of the other database would be offered here.
            pane.completion.forget();
        }
        News::Again { at } => {
            pane.outputs.clear();
            (pane.current, pane.dropped, pane.unfolded, pane.cell) = (0, 0, 0, None);
            pane.say(Tone::Dim, format!("\\watch · {} · Ctrl-C ends it", text::clock(at)));
        }
        News::Asked { title, lines } => pane.question = Some(Question { title, lines, then: Then::Answer }),
        News::Progress(words) => {
            if let Some(run) = &mut pane.run {
                run.progress = Some(words);
            }
        }
        News::Tried { rows, answer_within } => {
            let rows = if rows == 1 { "1 row".to_owned() } else { format!("{} rows", text::grouped(rows)) };
            let lines = vec![
                "It has run in a transaction, and is not committed.".to_owned(),
                "Its locks are held until you answer: others may be waiting.".to_owned(),
                format!("Without an answer it is rolled back in {} s.", answer_within.as_secs()),
            ];
            let title = format!("{rows} changed on {}. Keep that?", pane.setup.name);
            pane.question = Some(Question { title, lines, then: Then::Answer });
        }
        News::Unmoved { pid } => {
            if let Some(run) = pane.run.as_mut().filter(|run| run.stop == Stop::Asked) {
                run.stop = Stop::Unmoved(Some(Means::Cancel));
                let words = format!("backend {pid} has heard of the cancel and goes on");
                pane.log.push(Entry::Said(Tone::Warn, words));
            }
        }
        News::Pressed { means, pid, seen } => pressed(pane, means, pid, seen),
        News::Shown { expanded, timing } => (pane.expanded, pane.timing) = (expanded, timing),
        News::Short { result, why } => {
            if let Some(output) = pane.outputs.iter_mut().find(|output| output.table.id == result) {
                output.table.short = Some(why.clone());
            }
            pane.log.push(Entry::Short(why));
        }
        News::Complete { run, index, result, tag, rows, timing } => {
            answered(pane, run);
            tell(pane, result, timing, None);
            let timing_shown = pane.timing.then_some(timing);
            pane.log.push(Entry::Done { tag, timing: timing_shown, note: None });
            remember(pane, run, index, Outcome::Done, timing, rows);
        }
        News::Failed { run, index, result, diagnosis, timing } => {
            answered(pane, run);
            if diagnosis.kind == Kind::Cancelled {
                tell(pane, result, timing, Some("cancelled"));
                remember(pane, run, index, Outcome::Cancelled, timing, 0);
                cancelled(pane, run, result, &diagnosis, timing);
            } else {
                tell(pane, result, timing, Some("incomplete"));
                remember(pane, run, index, Outcome::Failed, timing, 0);
                failed(pane, run, index, diagnosis, timing);
            }
        }
        News::Ended { run } => {
            if let Some(running) = pane.run.take_if(|running| running.number == run) {
                pane.work = match (running.failed, running.cancelled) {
                    (true, _) => Work::Failed,
                    (false, true) => Work::Cancelled,
                    (false, false) => Work::Done,
                };
                // What was said and asked about it has no object any more.
                pane.said.take_if(|(_, words)| words == BUSY);
                pane.question.take_if(|question| matches!(question.then, Then::Drop | Then::Answer | Then::Press(_)));
                let left = running.sent.len() - (running.index + 1).min(running.sent.len());
                if left > 0 {
                    let (these, were) = if left == 1 { ("statement", "was") } else { ("statements", "were") };
                    let words = format!("{left} {these} after that {were} not run");
                    pane.log.push(Entry::Said(Tone::Warn, words));
                }
                if !running.answered || pane.outputs.is_empty() {
                    pane.showing = Showing::Messages;
                }
            }
        }
        News::Notice(notice) => pane.log.push(Entry::Notice(notice)),
        News::Returning => {
            if let Some(run) = &mut pane.run {
                run.returning = true;
            }
        }
        News::Reconnected(what) => {
            if let Some(run) = &mut pane.run {
                run.returning = false;
            }
            // After a cancel nothing is gone that anybody had.
            let gentle = pane.link == Link::Cut && !what.contains("gone");
            pane.link = Link::Up;
            let tone = if gentle { Tone::Dim } else { Tone::Warn };
            pane.log.push(Entry::Said(tone, what));
            pane.say(
                tone,
                if gentle { "connected again" } else { "connected again: SET, temp tables, locks are gone" },
            );
        }
        News::Health(health) => {
            if let Some(words) = turned(&pane.health, &health) {
                pane.log.push(Entry::Said(Tone::Warn, words));
            }
            pane.health = health;
        }
        News::Draining(bytes) => {
            if let Some(run) = &mut pane.run
                && run.stop != Stop::Dropped
            {
                run.stop = Stop::Draining(bytes);
            }
        }
        News::Lost { in_transaction } => {
            pane.link = Link::Lost;
            pane.transaction = Transaction::Idle;
            let (what, short) = if in_transaction {
                (
                    "the connection was lost; the transaction that was open has been rolled back",
                    "connection lost; the open transaction is rolled back",
                )
            } else {
                (
                    "the connection was lost while nothing ran; the next statement connects again",
                    "connection lost; the next statement connects again",
                )
            };
            pane.log.push(Entry::Said(Tone::Warn, what.to_owned()));
            pane.say(Tone::Warn, short);
        }
        News::Cancelled(Ok(())) => {
            if let Some(run) = pane.run.as_mut().filter(|run| run.stop == Stop::Unheard) {
                run.stop = Stop::Asked;
            }
        }
        News::Cancelled(Err(diagnosis)) => {
            // What is told of a later step is not undone by an earlier one's end.
            if let Some(run) = pane.run.as_mut().filter(|run| matches!(run.stop, Stop::No | Stop::Asked)) {
                run.stop = Stop::Unheard;
            }
            pane.log.push(Entry::Failed { diagnosis, place: None, timing: None });
        }
        News::State { transaction, facts, away } => {
            pane.transaction = if away { Transaction::Idle } else { transaction };
            pane.facts = *facts;
            let ours = pane.run.as_ref().is_some_and(|run| run.cancelled || run.stop == Stop::Dropped);
            pane.link = match away {
                false => Link::Up,
                true if ours => Link::Cut,
                true => Link::Lost,
            };
        }
        News::History(past) => pane.recall.load(past),
        News::Closed => {
            pane.run = None;
            pane.said.take_if(|(_, words)| words == BUSY);
            pane.work = Work::Closed;
            pane.log.push(Entry::Said(Tone::Warn, "the session has ended".to_owned()));
        }
        News::Trouble(diagnosis) => pane.log.push(Entry::Failed { diagnosis, place: None, timing: None }),
    }
}

/// What came of signalling the backend; what can be done next.
fn pressed(pane: &mut Pane, means: Means, pid: i32, seen: Result<Pressed, Diagnosis>) {
    let function = means.function();
    let (next, tone, words) = match seen {
        Ok(Pressed::Gone) => {
            (None, Tone::Text, format!("{function}({pid}): the backend is gone from pg_stat_activity"))
        }
        Ok(Pressed::Stopped(state)) => {
            let words = format!("{function}({pid}): pg_stat_activity shows the backend as {}", visible(&state));
            (None, Tone::Text, words)
        }
        Ok(Pressed::Runs) => {
            let next = (means == Means::Cancel).then_some(Means::Terminate);
            (next, Tone::Warn, format!("{function}({pid}): the backend still runs it"))
        }
        Ok(Pressed::Unknown) => (
            None,
            Tone::Warn,
            format!("{function}: no backend {pid} of this role that began with this session is in pg_stat_activity"),
        ),
        Err(diagnosis) => {
            pane.log.push(Entry::Failed { diagnosis, place: None, timing: None });
            pane.showing = Showing::Messages;
            (None, Tone::Warn, format!("{function} was not run; the connection can be dropped"))
        }
    };
    pane.log.push(Entry::Said(tone, words.clone()));
    pane.say(tone, words);
    if let Some(run) = pane.run.as_mut().filter(|run| matches!(run.stop, Stop::Pressing(_))) {
        run.stop = Stop::Unmoved(next);
    }
}

/// The first answer of a run sends the results of the run before away.
fn answered(pane: &mut Pane, run: u64) {
    let Some(running) = pane.run.as_mut().filter(|running| running.number == run) else { return };
    if !std::mem::replace(&mut running.answered, true) {
        pane.outputs.clear();
        (pane.current, pane.dropped) = (0, 0);
        pane.unfolded = 0;
        pane.cell = None;
        pane.shaping.sheet = None;
        pane.showing = Showing::Messages;
    }
}

/// A turn of the line's health in a sentence for the messages; none for one more dial of many.
fn turned(before: &LineHealth, now: &LineHealth) -> Option<String> {
    match (before, now) {
        (LineHealth::Lost { .. }, LineHealth::Lost { .. }) | (LineHealth::Up, LineHealth::Up) => None,
        (_, LineHealth::Up) => Some("the tunnel is up again".to_owned()),
        (_, LineHealth::Lost { reason, .. }) => Some(format!("the tunnel was lost: {reason}")),
        (_, LineHealth::Ended(diagnosis)) => Some(diagnosis.title.clone()),
    }
}

/// What was kept stays on screen.
fn cancelled(pane: &mut Pane, run: u64, result: Option<super::ResultId>, diagnosis: &Diagnosis, timing: Timing) {
    if let Some(running) = pane.run.as_mut().filter(|running| running.number == run) {
        running.cancelled = true;
    }
    let rows = pane.outputs.iter().find(|output| Some(output.table.id) == result).map(|output| output.table.rows);
    let title = if diagnosis.code.is_some() { "Cancelled" } else { diagnosis.title.as_str() };
    let kept = match rows {
        Some(1) => "; the row that had come is kept".to_owned(),
        Some(rows) if rows > 0 => format!("; the {} rows that had come are kept", text::grouped(rows)),
        _ => String::new(),
    };
    let took = if pane.timing { format!(" · {}", text::duration(timing.total)) } else { String::new() };
    pane.log.push(Entry::Said(Tone::Warn, format!("◦ {title}{kept}{took}")));
    let causes = diagnosis.because.iter().filter(|_| diagnosis.code.is_none());
    causes.for_each(|cause| pane.log.push(Entry::Said(Tone::Dim, format!("  {cause}"))));
    pane.showing = if rows.is_some() { Showing::Rows } else { Showing::Messages };
}

fn tell(pane: &mut Pane, result: Option<super::ResultId>, timing: Timing, cut_short: Option<&'static str>) {
    let shown = pane.timing;
    let Some(output) = pane.outputs.iter_mut().find(|output| Some(output.table.id) == result) else { return };
    output.cut_short = cut_short;
    if shown {
        output.told = Some(timing);
    }
}

fn remember(pane: &mut Pane, run: u64, index: usize, outcome: Outcome, timing: Timing, rows: u64) {
    let Some(running) = pane.run.as_ref().filter(|running| running.number == run) else { return };
    let Some(text) = running.sent.get(index).and_then(|sent| sent.statement.note.clone()) else { return };
    let at = running.began.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or(0);
    pane.recall.keep(Past { text, at, outcome, took: timing.total.as_millis() as u64, rows });
}

fn failed(pane: &mut Pane, run: u64, index: usize, diagnosis: Diagnosis, timing: Timing) {
    let mut place = None;
    let mut jump = None;
    if let Some(running) = pane.run.as_mut().filter(|running| running.number == run) {
        running.failed = true;
        if let (Some(sent), Some(at)) = (running.sent.get(index), diagnosis.at) {
            let sql = &sent.statement.sql;
            let byte = sql.char_indices().nth(at).map_or(sql.len(), |(byte, _)| byte);
            // What was put before the statement is not what was typed.
            let (sql, byte) = (&sql[sent.lead..], byte.saturating_sub(sent.lead));
            let start = sql[..byte].rfind('\n').map_or(0, |at| at + 1);
            let line = sql[start..].lines().next().unwrap_or("");
            let number = sql[..byte].matches('\n').count() + 1;
            place = Some((number, line.to_owned(), byte - start));
            // Only in the text that was sent: what was typed since has moved everything.
            jump = sent.start.filter(|_| running.edition == pane.editor.edition()).map(|start| start + byte);
        }
    }
    if let Some(offset) = jump {
        let to = pane.editor.buffer().place(offset);
        pane.editor.blame(to);
    }
    // What failed on this side took no time at the server.
    let timing = Some(timing).filter(|timing| pane.timing && !timing.total.is_zero());
    pane.log.push(Entry::Failed { diagnosis, place, timing });
    pane.showing = Showing::Messages;
    if pane.focus == Focus::Results && jump.is_some() {
        pane.focus = Focus::Editor;
        pane.zoom = false;
    }
}

/// Shows a text from its beginning.
pub(super) fn document(pane: &mut Pane, text: String) {
    let text = untabbed(text.trim_end_matches('\n'));
    // A line of hyphens and plus signs stands below the names of columns, and in no prose.
    let rule = |line: &str| line.contains("-+-") && line.bytes().all(|byte| matches!(byte, b'-' | b'+' | b' '));
    let is_table = text.lines().any(rule);
    pane.log.push(if is_table { Entry::Table(text) } else { Entry::Said(Tone::Text, text) });
    pane.showing = Showing::Messages;
    let area = layout::areas(pane).results;
    pane.log.back = pane.log.last_is(area.width.into()).saturating_sub(area.height.into());
}

/// Tabs as spaces, as a terminal would show them.
fn untabbed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let spaces = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\n' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}
