//! What is run and what comes back: statements are found, dangerous ones asked about, answers put where they belong. It
//! must not know who runs them.

use super::log::Entry;
use super::order::{Means, Outcome, Past, Pressed, Statement, Timing};
use super::pane::{Focus, Link, Output, Pane, Question, Run, Sent, Showing, Stop, Then, Work};
use super::table::Table;
use super::words::{self, Word};
use super::{Ask, LineHealth, News, Order, lifting, plan, secrets, text, update, worker};
use crate::console::theme::Tone;
use crate::model::sql::{self, Class, CopyWay, Ended, TokenKind, classify, statements};
use crate::model::{Diagnosis, Kind, Transaction, visible};
use std::time::SystemTime;

/// Whether Enter runs rather than breaks the line: the text ends here with a finished statement or a backslash word, and
/// this very text was not run by Enter already.
pub(super) fn enter_runs(pane: &mut Pane) -> bool {
    let buffer = pane.editor.buffer();
    let cursor = pane.editor.cursor();
    let line = &buffer.lines()[cursor.line];
    let behind = &line[cursor.byte..];
    let last = cursor.line + 1 == buffer.lines().len();
    if !last || !behind.trim().is_empty() || pane.entered == Some(pane.editor.edition()) {
        return false;
    }
    let before = pane.editor.line_before().trim_end();
    if !before.ends_with(';') && !before.contains('\\') {
        return false;
    }
    let from = buffer.offset(super::buffer::Place { byte: 0, ..cursor });
    let tokens = pane.editor.colours().all_tokens(buffer.lines(), cursor.line);
    let semicolon = tokens.iter().any(|token| token.kind == TokenKind::Punctuation && token.of(line) == ";");
    // It ends on this line: after it there is nothing, so it is the one at the cursor.
    pane.editor.statement().is_some_and(|here| {
        let ended = here.statement.backslash || here.statement.ended == Ended::Semicolon;
        ended && here.last && (semicolon || here.bytes.end >= from)
    })
}

/// Runs the selection, the statement at the cursor, or everything.
pub(super) fn run(pane: &mut Pane, all: bool, orders: &mut Vec<Order>) {
    let buffer = pane.editor.buffer();
    let (from, part) = match pane.editor.selection() {
        _ if all => (0, buffer.text()),
        Some(selected) => (buffer.offset(selected.start), buffer.slice(selected)),
        None => {
            let here = pane.editor.statement().map_or((0, String::new()), |here| (here.bytes.start, here.text));
            with_its_word(pane.editor.buffer(), here)
        }
    };
    let part = part.as_str();
    let found = statements(part);
    if found.is_empty() {
        pane.say(Tone::Dim, "there is no statement here");
        return;
    }
    if is_script(part, &found) {
        let note = (!secrets::may_hold(part)).then(|| part.to_owned());
        let statement = Statement { sql: part.to_owned(), note, always: false };
        return consider(pane, vec![Sent { statement, start: Some(from), lead: 0 }], orders);
    }
    let mut sent = Vec::new();
    for statement in found {
        let sql = statement.of(part);
        if !statement.backslash {
            let note = (!secrets::may_hold(sql)).then(|| format!("{sql};"));
            let start = Some(from + statement.start);
            let statement = Statement { sql: sql.to_owned(), note, always: false };
            sent.push(Sent { statement, start, lead: 0 });
            continue;
        }
        match words::parse(sql) {
            Word::Ask(asks) => {
                for (at, ask) in asks.into_iter().enumerate() {
                    let note = (at == 0).then(|| sql.to_owned());
                    let statement = Statement { sql: ask, note, always: false };
                    sent.push(Sent { statement, start: None, lead: 0 });
                }
            }
            word => {
                if !obey(pane, word, orders) {
                    return;
                }
            }
        }
    }
    if !sent.is_empty() {
        consider(pane, sent, orders);
    }
}

/// A statement with what stands around it and means it: the word that sends it (`\gset`), or the data of its COPY. Only
/// the text near it is looked at.
fn with_its_word(buffer: &super::buffer::Buffer, (from, text): (usize, String)) -> (usize, String) {
    const NEAR: usize = 4 << 20;
    let all = buffer.text();
    if all.len() > NEAR || text.is_empty() {
        return (from, text);
    }
    let found = statements(&all);
    let Some(at) = found.iter().position(|statement| statement.start >= from) else { return (from, text) };
    let sends = |statement: &sql::Statement| {
        let word = statement.of(&all).trim_start_matches('\\');
        let name = word.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        statement.backslash && matches!(name, "g" | "gx" | "gset" | "gexec" | "gdesc" | "crosstabview" | "watch")
    };
    let here = found[at];
    let (mut start, mut end) = (here.start, here.end);
    if sends(&here) {
        // Not another word: `\g` alone sends again what was sent last.
        if let Some(before) =
            at.checked_sub(1).map(|before| found[before]).filter(|before| before.ended == Ended::Backslash)
        {
            start = before.start;
        }
    } else if let Some(next) = found.get(at + 1).filter(|next| here.ended == Ended::Backslash && sends(next)) {
        end = next.end;
    } else if let Some((_, data)) = here.data {
        end = all[data..].find('\n').map_or(all.len(), |line| data + line);
    } else {
        return (from, text);
    }
    (start, all[start..end].to_owned())
}

/// Whether a text needs more than its statements sent one by one: a script's words, variables, data of its own.
fn is_script(part: &str, found: &[sql::Statement]) -> bool {
    found.iter().any(|statement| {
        let sql = statement.of(part);
        match statement.backslash {
            true => words::parse(sql) == Word::Script,
            false => {
                statement.data.is_some()
                    || classify(sql) == Class::Copy(CopyWay::FromStdin)
                    || sql::tokens(sql).any(|token| matches!(token.kind, TokenKind::Variable | TokenKind::Backslash))
            }
        }
    })
}

/// Carries out a word that asks nothing of the server; false when what follows it must not run.
fn obey(pane: &mut Pane, word: Word, orders: &mut Vec<Order>) -> bool {
    match word {
        Word::Quit => {
            update::leave(pane, Order::Close, orders);
            return false;
        }
        Word::Expanded(wanted) => {
            pane.expanded = wanted.unwrap_or(!pane.expanded);
            pane.say(Tone::Dim, if pane.expanded { "expanded display is on" } else { "expanded display is off" });
        }
        Word::Timing(wanted) => {
            pane.timing = wanted.unwrap_or(!pane.timing);
            pane.say(Tone::Dim, if pane.timing { "timing is on" } else { "timing is off" });
        }
        Word::Help => {
            for (word, help) in words::WORDS {
                pane.log.push(Entry::Said(Tone::Text, format!("{word:<24} {help}")));
            }
            pane.showing = Showing::Messages;
        }
        Word::Where => {
            let words = place_in_words(pane);
            pane.log.push(Entry::Said(Tone::Text, words));
            pane.showing = Showing::Messages;
        }
        Word::History => {
            let mut finder = super::recall::Finder::default();
            pane.recall.search(&mut finder);
            pane.finder = (!finder.found.is_empty()).then_some(finder);
            return false;
        }
        Word::Connect { database, user } => {
            orders.push(Order::Connect { database, user });
            return false;
        }
        Word::Script | Word::Ask(_) => {}
        Word::Refused(why) => {
            pane.log.push(Entry::Said(Tone::Bad, why.clone()));
            pane.say(Tone::Bad, why);
            return false;
        }
    }
    true
}

fn place_in_words(pane: &Pane) -> String {
    let facts = &pane.facts;
    let tls = if facts.tls.version.is_empty() { "TLS".to_owned() } else { format!("TLS {}", facts.tls.version) };
    format!(
        "{}@{} on {} ({}), PostgreSQL {}, backend {}, {tls} to \"{}\" by \"{}\", {}, {}{}",
        pane.setup.user,
        pane.setup.database,
        pane.setup.name,
        pane.setup.host,
        facts.server_version,
        facts.pid,
        facts.tls.subject,
        facts.tls.issuer,
        facts.route,
        if facts.read_only { "read-only" } else { "writable" },
        facts.ssm_session.as_deref().map(|id| format!(", SSM session {id}")).unwrap_or_default(),
    )
}

/// Asks before what changes much at once; no lock is held while the question stands.
pub(super) fn consider(pane: &mut Pane, sent: Vec<Sent>, orders: &mut Vec<Order>) {
    if pane.work == Work::Closed {
        pane.say(Tone::Bad, "this session has ended");
    } else if pane.run.is_some() {
        pane.say(Tone::Warn, "a statement is running; Ctrl-C cancels it");
    } else if pane.facts.read_only && sent.iter().any(|sent| lifting::lifts_read_only(&sent.statement.sql)) {
        let why = format!("this session is read-only; to write, connect to {} again as writable", pane.setup.name);
        pane.log.push(Entry::Said(Tone::Bad, why.clone()));
        pane.say(Tone::Bad, why);
    } else {
        let reasons: Vec<String> = sent
            .iter()
            .filter(|_| !pane.facts.read_only)
            .filter_map(|sent| match classify(&sent.statement.sql) {
                Class::Dangerous { reason } => Some(format!("{reason}: {}", first_line(&sent.statement.sql))),
                _ => None,
            })
            .collect();
        if reasons.is_empty() {
            send(pane, sent, orders);
            return;
        }
        let kind = if pane.setup.production { "PRODUCTION, writable" } else { "writable" };
        let title = format!("Run this on {} ({kind})?", pane.setup.name);
        let mut lines = reasons;
        if lines.len() > 5 {
            let more = lines.len() - 4;
            lines.truncate(4);
            lines.push(format!("and {more} more"));
        }
        lines.push(format!("{}@{} at {}", pane.setup.user, pane.setup.database, pane.setup.host));
        pane.question = Some(Question { title, lines, then: Then::Run(sent) });
    }
}

/// Whether the rows that it changes can be counted before it is kept: one UPDATE or DELETE.
pub(super) fn is_counted(sent: &[Sent]) -> bool {
    let [one] = sent else { return false };
    match classify(&one.statement.sql) {
        Class::Dangerous { reason } => reason.starts_with("UPDATE") || reason.starts_with("DELETE"),
        _ => false,
    }
}

/// Has the statement at the cursor, or the selected one, tried out.
pub(super) fn try_here(pane: &mut Pane, orders: &mut Vec<Order>) {
    let buffer = pane.editor.buffer();
    let (from, text) = match pane.editor.selection() {
        Some(selected) => (buffer.offset(selected.start), buffer.slice(selected)),
        None => pane.editor.statement().map_or((0, String::new()), |here| (here.bytes.start, here.text)),
    };
    let one = match statements(&text).as_slice() {
        [one] if !one.backslash => *one,
        _ => return pane.say(Tone::Dim, "there is no one statement here to try"),
    };
    let sql = one.of(&text).to_owned();
    let changes = match classify(&sql) {
        Class::Writes { verb } => matches!(verb.as_str(), "INSERT" | "UPDATE" | "DELETE" | "MERGE"),
        Class::Dangerous { reason } => reason.starts_with("UPDATE") || reason.starts_with("DELETE"),
        _ => false,
    };
    if pane.work == Work::Closed {
        pane.say(Tone::Bad, "this session has ended");
    } else if pane.run.is_some() {
        pane.say(Tone::Warn, "a statement is running; Ctrl-C cancels it");
    } else if pane.facts.read_only {
        pane.say(Tone::Bad, "this session is read-only");
    } else if !changes {
        pane.say(Tone::Dim, "INSERT, UPDATE, DELETE and MERGE can be tried");
    } else {
        let note = (!secrets::may_hold(&sql)).then(|| format!("{sql};"));
        try_out(
            pane,
            vec![Sent { statement: Statement { sql, note, always: false }, start: Some(from + one.start), lead: 0 }],
            orders,
        );
    }
}

/// Has one statement tried out.
pub(super) fn try_out(pane: &mut Pane, sent: Vec<Sent>, orders: &mut Vec<Order>) {
    let Some(statement) = sent.first().map(|sent| sent.statement.clone()) else { return };
    begin(pane, sent);
    if let Some(run) = &mut pane.run {
        run.tried = true;
    }
    orders.push(Order::Ask(Ask::Try { run: pane.runs, statement }));
}

/// Sends statements to the worker.
pub(super) fn send(pane: &mut Pane, sent: Vec<Sent>, orders: &mut Vec<Order>) {
    let run = pane.runs + 1;
    orders.push(Order::Ask(match sent.as_slice() {
        [one] if is_script(&one.statement.sql, &statements(&one.statement.sql)) => {
            Ask::Script { run, text: one.statement.sql.clone(), note: one.statement.note.clone() }
        }
        _ => Ask::Run { run, statements: sent.iter().map(|sent| sent.statement.clone()).collect() },
    }));
    begin(pane, sent);
}

fn begin(pane: &mut Pane, sent: Vec<Sent>) {
    pane.runs += 1;
    // A statement may set them; what is shown must be so.
    let sets = |sent: &Sent| {
        let sql = sent.statement.sql.to_ascii_lowercase();
        ["_timeout", "reset all", "discard all"].iter().any(|word| sql.contains(word))
    };
    pane.timeouts.take_if(|_| sent.iter().any(sets));
    pane.work = Work::Running;
    pane.run = Some(Run {
        number: pane.runs,
        sent,
        edition: pane.editor.edition(),
        index: 0,
        began: pane.now,
        stop: Stop::No,
        returning: false,
        failed: false,
        cancelled: false,
        answered: false,
        progress: None,
        tried: false,
    });
}

/// What the worker tells.
pub(super) fn hear(pane: &mut Pane, news: News) {
    match news {
        News::Began { run, index, at } => {
            if let Some(running) = pane.run.as_mut().filter(|running| running.number == run) {
                (running.index, running.began) = (index, at);
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
            }
            let sent = pane.run.as_ref().and_then(|run| run.sent.get(index));
            let relation = sent.and_then(|sent| super::sheet::relation(&sent.statement.sql));
            pane.outputs.push(Output {
                table: Table::new(result, columns),
                index,
                relation,
                told: String::new(),
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
        News::Again { at } => {
            pane.outputs.clear();
            (pane.current, pane.unfolded, pane.cell) = (0, 0, None);
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
            pane.log.push(Entry::Said(Tone::Warn, why));
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
                // What was asked about it has no object any more.
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
            if let Some(run) = &mut pane.run {
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
        Ok(Pressed::Unknown) => {
            (None, Tone::Warn, format!("{function}: no backend {pid} of this role is in pg_stat_activity"))
        }
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
        pane.current = 0;
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
        output.told = text::timing(&timing);
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
    let timing = pane.timing.then_some(timing);
    pane.log.push(Entry::Failed { diagnosis, place, timing });
    pane.showing = Showing::Messages;
    if pane.focus == Focus::Results && jump.is_some() {
        pane.focus = Focus::Editor;
        pane.zoom = false;
    }
}

fn first_line(sql: &str) -> String {
    let line = sql.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let more = sql.trim_end().lines().count() > 1;
    let shown = &line[..line.floor_char_boundary(500)];
    if more { format!("{shown} …") } else { shown.to_owned() }
}
