//! What is run: statements are found, words obeyed, dangerous ones asked about. It must not know who runs them.

use super::hearing::document;
use super::log::Entry;
use super::order::Statement;
use super::pane::{Pane, Question, Run, Sent, Setup, Showing, Stop, Then, Work};
use super::words::{self, Word};
use super::{Ask, Order, compose, dangers, layout, lifting, text, update};
use crate::access::script;
use crate::console::theme::Tone;
use crate::model::psql;
use crate::model::sql::{self, Class, CopyWay, Ended, TokenKind, classify, statements};
use std::ops::Range;

/// Why nothing else is run now; it stands no longer than it is true.
pub(super) const BUSY: &str = "a statement is running; Ctrl-C cancels it";

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
    run_text(pane, from, &part, orders);
}

/// Runs what stands in those bytes of the text.
pub(super) fn run_part(pane: &mut Pane, bytes: Range<usize>, orders: &mut Vec<Order>) {
    let part = pane.editor.buffer().text()[bytes.clone()].to_owned();
    run_text(pane, bytes.start, &part, orders);
}

fn run_text(pane: &mut Pane, from: usize, part: &str, orders: &mut Vec<Order>) {
    let found = statements(part);
    if found.is_empty() {
        pane.say(Tone::Dim, "there is no statement here");
        return;
    }
    if is_script(part, &found) {
        let note = pane.completion.kept(part);
        let statement = Statement { sql: part.to_owned(), note, always: false };
        return consider(pane, vec![Sent { statement, start: Some(from), lead: 0 }], orders);
    }
    let mut sent = Vec::new();
    for statement in found {
        let sql = statement.of(part);
        if !statement.backslash {
            let note = pane.completion.kept(sql).map(|sql| format!("{sql};"));
            let start = Some(from + statement.start);
            let statement = Statement { sql: sql.to_owned(), note, always: false };
            sent.push(Sent { statement, start, lead: 0 });
            continue;
        }
        if !obey(pane, words::parse(sql), from + statement.start..from + statement.end, orders) {
            return;
        }
    }
    match sent.is_empty() {
        true => pane.spent.mark(&pane.editor.buffer().text(), pane.editor.edition()),
        false => consider(pane, sent, orders),
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
    let sends = |statement: &sql::Statement| sends(statement, &all);
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

/// Whether it is a word that sends what stands before it.
pub(super) fn sends(statement: &sql::Statement, text: &str) -> bool {
    let word = statement.of(text).trim_start_matches('\\');
    let name = word.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
    statement.backslash && matches!(name, "g" | "gx" | "gset" | "gexec" | "gdesc" | "crosstabview" | "watch")
}

/// Whether a text needs more than its statements sent one by one: a script's words, variables, data of its own.
fn is_script(part: &str, found: &[sql::Statement]) -> bool {
    found.iter().any(|statement| {
        let sql = statement.of(part);
        match statement.backslash {
            true => match words::parse(sql) {
                Word::Script => true,
                // Alone it opens a tab; among others, what follows it is meant for the other database.
                Word::Connect(_) => found.len() > 1,
                _ => false,
            },
            false => {
                statement.data.is_some()
                    || classify(sql) == Class::Copy(CopyWay::FromStdin)
                    || sql::tokens(sql).any(|token| matches!(token.kind, TokenKind::Variable | TokenKind::Backslash))
            }
        }
    })
}

/// The words that work, for a window so wide: what each does stands beside it, and below itself where it is long.
fn help(width: usize) -> String {
    const BESIDE: usize = 24;
    let room = width.saturating_sub(BESIDE + 3).max(20);
    let mut text = String::new();
    for (usage, help) in psql::listed(true) {
        let mut lines = text::wrap(help, room).into_iter();
        match text::width(&usage, 999) < BESIDE {
            true => text.push_str(&format!("{usage:<BESIDE$} {}\n", lines.next().unwrap_or_default())),
            false => text.push_str(&format!("{usage}\n")),
        }
        lines.for_each(|line| text.push_str(&format!("{:BESIDE$} {}\n", "", line.trim_start())));
    }
    text
}

/// Carries out a word that asks nothing of the server and stands in those bytes of the editor's text; false when what
/// follows it must not run.
fn obey(pane: &mut Pane, word: Word, bytes: Range<usize>, orders: &mut Vec<Order>) -> bool {
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
            let width = usize::from(layout::areas(pane).results.width);
            document(pane, help(width));
            // What failed before is no news any more.
            pane.work = Work::Done;
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
        Word::Connect(arguments) => {
            let Setup { host, port, .. } = &pane.setup;
            match script::connect(&arguments, host, *port) {
                Ok(wanted) => orders.push(Order::Connect { database: wanted.database, user: wanted.user }),
                Err(why) => {
                    let why = format!("\\connect: {why}");
                    pane.log.push(Entry::Said(Tone::Bad, why.clone()));
                    pane.say(Tone::Bad, why);
                }
            }
            return false;
        }
        Word::Edit => {
            compose::begin(pane, Some(bytes), orders);
            return false;
        }
        Word::Script => {}
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
        pane.say(Tone::Warn, BUSY);
    } else if pane.facts.read_only && sent.iter().any(|sent| lifting::lifts_read_only(&sent.statement.sql)) {
        let why = format!("this session is read-only; to write, connect to {} again as writable", pane.setup.name);
        pane.log.push(Entry::Said(Tone::Bad, why.clone()));
        pane.say(Tone::Bad, why);
    } else {
        let found = sent.iter().filter(|_| !pane.facts.read_only);
        let reasons: Vec<String> =
            found.flat_map(|sent| dangers::dangers(&sent.statement.sql)).map(|danger| danger.words).collect();
        if reasons.is_empty() {
            send(pane, sent, orders);
            return;
        }
        let kind = if pane.setup.production { "PRODUCTION, writable" } else { "writable" };
        let title = format!("Run this on {} ({kind})?", pane.setup.name);
        let mut lines = dangers::lines(reasons);
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
        pane.say(Tone::Warn, BUSY);
    } else if pane.facts.read_only {
        pane.say(Tone::Bad, "this session is read-only");
    } else if !changes {
        pane.say(Tone::Dim, "INSERT, UPDATE, DELETE and MERGE can be tried");
    } else {
        let note = pane.completion.kept(&sql).map(|sql| format!("{sql};"));
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
        [one] if is_script(&one.statement.sql, &statements(&one.statement.sql)) => Ask::Script {
            run,
            text: one.statement.sql.clone(),
            note: one.statement.note.clone(),
            expanded: pane.expanded,
            timing: pane.timing,
        },
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
    // A plan that is asked for runs nothing.
    let runs = sent.iter().filter(|sent| sent.lead == 0);
    if runs.map(|sent| pane.spent.keep(&sent.statement.sql)).count() > 0 {
        pane.spent.mark(&pane.editor.buffer().text(), pane.editor.edition());
    }
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

pub(super) fn first_line(sql: &str) -> String {
    let line = sql.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let more = sql.trim_end().lines().count() > 1;
    let shown = &line[..line.floor_char_boundary(500)];
    if more { format!("{shown} …") } else { shown.to_owned() }
}
