//! Draws the activity: a line of counts, the sessions, the selected one below; or one session closely; over it a question.
//! What is worth a look has a sign, not colour alone. It must not change anything.

use super::rows::is_long;
use super::{Pane, Reading};
use crate::console::layout;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::{spinner, text};
use crate::model::activity::{Backend, Snapshot};
use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use std::time::{Duration, SystemTime};

/// From this width on there is room for database, application, both ages and the blockers.
const WIDE: u16 = 110;
/// Rows of the screen above the column titles: header, counts.
pub(super) const ABOVE: usize = 2;
/// Rows for the selected session below the list: a rule, who, the statement.
const BELOW: u16 = 4;

/// Rows of the list on a screen of that size.
pub fn height(size: Size) -> usize {
    usize::from(list(layout::areas(size).body).height)
}

/// The last line with which a session looked at closely can begin on a screen of that size.
pub(super) fn furthest(reading: &Reading, size: Size) -> usize {
    let body = layout::areas(size).body;
    let height = usize::from(body.height.saturating_sub(3));
    detail_lines(reading, usize::from(body.width).saturating_sub(4)).len().saturating_sub(height)
}

/// Where the rows are: below counts and titles, above the selected session.
fn list(body: Rect) -> Rect {
    let below = if body.height >= 12 { BELOW } else { 0 };
    let y = (body.y + ABOVE as u16).min(body.bottom());
    Rect { y, height: body.bottom().saturating_sub(y + below), ..body }
}

/// Draws all but the key line.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, header: Rect, body: Rect, theme: Theme, now: SystemTime) {
    let subject = &pane.subject;
    let title = [
        run(" activity  ", Tone::Accent),
        run(subject.name.clone(), Tone::Strong),
        run(format!("  {}@{}", subject.user, subject.database), Tone::Dim),
        run(if subject.production { "  PRODUCTION" } else { "" }, Tone::Bad),
    ];
    let how = match pane.paused {
        true => "paused".to_owned(),
        false => format!("every {} s", pane.pace.as_secs()),
    };
    let mut right = vec![run(format!("{} · {how}", pane.sort.name()), Tone::Dim)];
    right.extend(pane.stale(now).map(|old| {
        let tone = if pane.paused { Tone::Dim } else { Tone::Warn };
        run(format!(" · {} old", age(old)), tone)
    }));
    right.push(run(" ", Tone::Dim));
    paint::sides(frame, header, &title, &right, theme);
    counts(pane, frame, layout::below(body, body.y, 1), theme, now);
    if let Some(reading) = &pane.detail {
        let area = layout::below(body, body.y + 1, body.height);
        detail(reading, frame, area, theme);
    } else if let Some((snapshot, _)) = &pane.latest {
        sessions(pane, snapshot, frame, body, theme);
    }
    if let Some(question) = &pane.question {
        let width = 76.min(body.width);
        let room = usize::from(width).saturating_sub(4);
        let lines: Vec<String> = question.lines.iter().flat_map(|line| text::wrap(line, room)).take(12).collect();
        let outer = layout::middle(body, width, lines.len() as u16 + 4);
        let inner = paint::frame(frame, outer, question.signal.verb(), theme);
        for (at, line) in lines.iter().enumerate() {
            let tone = if at == 0 { Tone::Bad } else { Tone::Text };
            paint::runs(frame, layout::below(inner, inner.y + at as u16, 1), &[run(line.clone(), tone)], theme, None);
        }
        let keys = [run("y", Tone::Accent), run(" yes   ", Tone::Dim), run("n", Tone::Accent), run(" no", Tone::Dim)];
        paint::runs(frame, layout::below(inner, inner.y + lines.len() as u16 + 1, 1), &keys, theme, None);
    }
}

/// How many do what; or why nothing is known, or what was just said, or the filter.
fn counts(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme, now: SystemTime) {
    let mut line: Vec<Run> = vec![run(" ", Tone::Text)];
    if pane.filtering {
        let (shown, cursor) = pane.filter.shown(usize::from(area.width).saturating_sub(4));
        paint::runs(frame, area, &[run(" /", Tone::Accent), run(shown, Tone::Text)], theme, None);
        return paint::cursor(frame, area, cursor + 2);
    }
    if let Some((tone, words)) = &pane.said {
        line.push(run(words.clone(), *tone));
    } else if let Some((diagnosis, again)) = &pane.trouble {
        let old = if pane.latest.is_some() { "what is shown is old; " } else { "" };
        line.push(run(format!("! {}", diagnosis.title), Tone::Bad));
        line.push(run(format!(" · {old}tried again after {} s, r: now", again.as_secs()), Tone::Dim));
    } else if let Some((snapshot, _)) = &pane.latest {
        // As many as could be listed: the session that looks is none of them, unless it is.
        let listed = |backend: &&Backend| backend.is_client() && (pane.own || !backend.own);
        let clients: Vec<&Backend> = snapshot.backends.iter().filter(listed).collect();
        let count = |what: &str, tone: Tone, is: &dyn Fn(&Backend) -> bool| {
            let count = clients.iter().filter(|backend| is(backend)).count();
            (count > 0).then(|| run(format!(" · {count} {what}"), tone))
        };
        let unit = if clients.len() == 1 { "session" } else { "sessions" };
        line.push(run(format!("{} {unit}", clients.len()), Tone::Strong));
        line.extend(count("active", Tone::Text, &|backend| backend.is_active() && !backend.own));
        line.extend(count("blocked", Tone::Bad, &|backend| !backend.blocked_by.is_empty()));
        line.extend(count("idle in transaction", Tone::Warn, &Backend::is_idle_in_transaction));
        line.extend(count("long transactions", Tone::Warn, &is_long));
        if let Some(oldest) = snapshot.prepared.first() {
            let words = format!(
                " · {} prepared, the oldest {} by {}: {}",
                snapshot.prepared.len(),
                age(oldest.age),
                oldest.user,
                oldest.name
            );
            line.push(run(words, Tone::Warn));
        }
        line.extend(count("hidden: GRANT pg_monitor shows them", Tone::Dim, &|backend| backend.hidden));
        if !pane.filter.is_empty() {
            line.push(run(format!(" · /{}", pane.filter.text()), Tone::Match));
        }
        if pane.active {
            line.push(run(" · active only", Tone::Accent));
        }
    } else {
        let elapsed = now.duration_since(pane.since).unwrap_or_default();
        line.push(run(spinner::frame(elapsed), Tone::Accent));
        line.push(run(" opening a session to look …", Tone::Dim));
    }
    paint::runs(frame, area, &line, theme, None);
}

fn sessions(pane: &Pane, snapshot: &Snapshot, frame: &mut Frame<'_>, body: Rect, theme: Theme) {
    let area = list(body);
    let wide = body.width >= WIDE;
    let titles = match wide {
        true => format!(
            "    {:<14}{:<11}{:<11}{:<14}{:<10}{:>6} {:>6} {:<27}statement",
            "pid", "role", "database", "application", "state", "trans.", "stmt", "waits for"
        ),
        false => format!("    {:<14}{:<10}{:<10}{:>6} {:<20}statement", "pid", "role", "state", "for", "waits for"),
    };
    paint::runs(frame, layout::below(body, area.y - 1, 1), &[run(titles, Tone::Dim)], theme, None);
    let rows = pane.rows();
    if rows.is_empty() {
        paint::runs(frame, layout::below(area, area.y, 1), &[run("    no session fits", Tone::Dim)], theme, None);
    }
    let blocks = |pid: i32| snapshot.backends.iter().any(|other| other.blocked_by.contains(&pid));
    for (line, (at, depth)) in rows.iter().enumerate().skip(pane.cursor.offset).take(area.height.into()) {
        let backend = &snapshot.backends[*at];
        let chosen = line == pane.cursor.selected;
        let under = chosen.then(|| theme.style(Tone::Selected));
        let place = layout::below(area, area.y + (line - pane.cursor.offset) as u16, 1);
        paint::runs(frame, place, &row(backend, *depth, wide, chosen, blocks(backend.pid)), theme, under);
    }
    if body.height >= 12 {
        selected(pane, frame, Rect { y: area.bottom(), height: BELOW, ..body }, rows.len(), area.height.into(), theme);
    }
}

fn row(backend: &Backend, depth: usize, wide: bool, chosen: bool, blocks: bool) -> Vec<Run> {
    let blocked = !backend.blocked_by.is_empty();
    let (sign, tone) = match (blocked, blocks, is_long(backend)) {
        (true, ..) => ("⧗", Tone::Bad),
        (false, true, _) => ("●", Tone::Bad),
        (false, false, true) => ("!", Tone::Warn),
        _ => (" ", Tone::Text),
    };
    let branch = match depth {
        0 => String::new(),
        _ => format!("{}└ ", "  ".repeat((depth - 1).min(3))),
    };
    let state = match backend.state.as_str() {
        "idle in transaction" => "idle tx",
        "idle in transaction (aborted)" => "failed tx",
        "fastpath function call" => "active",
        "" if backend.hidden => "hidden",
        other => other,
    };
    let state_tone = match state {
        "active" => Tone::Good,
        "idle tx" | "failed tx" => Tone::Warn,
        _ => Tone::Dim,
    };
    let who = if backend.user.is_empty() { &backend.kind } else { &backend.user };
    let pids: Vec<String> = backend.blocked_by.iter().map(|pid| blocker(*pid)).collect();
    let waits = match (blocked, wide) {
        (true, true) => format!("{} by {}", backend.wait, pids.join(",")),
        (true, false) => format!("Lock by {}", pids.join(",")),
        (false, _) => backend.wait.clone(),
    };
    let statement = backend.query.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut runs = vec![run(if chosen { "▌ " } else { "  " }, Tone::Accent), run(format!("{sign} "), tone)];
    runs.push(run(cell(&format!("{branch}{}", backend.pid), 14), Tone::Strong));
    runs.push(run(cell(who, if wide { 11 } else { 10 }), Tone::Text));
    if wide {
        runs.push(run(cell(&backend.database, 11), Tone::Text));
        runs.push(run(cell(&backend.application, 14), Tone::Dim));
    }
    runs.push(run(cell(state, 10), state_tone));
    let long = if is_long(backend) { Tone::Warn } else { Tone::Text };
    if wide {
        let statement = backend.statement.filter(|_| backend.is_active());
        runs.push(run(format!("{:>6} ", backend.transaction.map(age).unwrap_or_default()), long));
        runs.push(run(format!("{:>6} ", statement.map(age).unwrap_or_default()), Tone::Text));
        runs.push(run(cell(&waits, 27), if blocked { Tone::Bad } else { Tone::Dim }));
    } else {
        let shown = match () {
            () if backend.is_active() => backend.statement,
            () if backend.is_idle_in_transaction() => backend.transaction,
            () => backend.since,
        };
        runs.push(run(format!("{:>6} ", shown.map(age).unwrap_or_default()), long));
        runs.push(run(cell(&waits, 20), if blocked { Tone::Bad } else { Tone::Dim }));
    }
    runs.push(run(statement, Tone::Text));
    runs
}

/// A cell of so many columns, a gap at its end.
fn cell(words: &str, columns: usize) -> String {
    format!("{} ", text::fit(words, columns.saturating_sub(1)))
}

/// A process id; 0 stands for a prepared transaction, which has none.
fn blocker(pid: i32) -> String {
    if pid == 0 { "prepared".to_owned() } else { pid.to_string() }
}

/// The selected session in three lines.
fn selected(pane: &Pane, frame: &mut Frame<'_>, area: Rect, count: usize, height: usize, theme: Theme) {
    paint::rule(frame, layout::below(area, area.y, 1), theme);
    let position = paint::position(pane.cursor.offset, height, count);
    paint::sides(frame, layout::below(area, area.y, 1), &[], &[run(position, Tone::Dim)], theme);
    let Some(backend) = pane.chosen() else { return };
    let mut about = vec![format!("{}", backend.pid)];
    if !backend.user.is_empty() {
        about.push(format!("{}@{}", backend.user, backend.database));
    }
    let client = if backend.client.is_empty() { "local" } else { &backend.client };
    about.extend([backend.application.clone(), client.to_owned(), backend.state.clone()]);
    if !backend.is_client() {
        about.push(backend.kind.clone());
    }
    about.extend(backend.transaction.map(|open| format!("transaction open for {}", age(open))));
    about.extend((!backend.wait.is_empty()).then(|| format!("waits for {}", backend.wait)));
    about.retain(|words| !words.is_empty());
    let about = format!(" {}", about.join(" · "));
    paint::runs(frame, layout::below(area, area.y + 1, 1), &[run(about, Tone::Strong)], theme, None);
    let statement = backend.query.split_whitespace().collect::<Vec<_>>().join(" ");
    let statement = if backend.hidden { "another role's: what it runs may not be seen".to_owned() } else { statement };
    for (at, line) in text::wrap(&statement, usize::from(area.width).saturating_sub(2)).into_iter().take(2).enumerate()
    {
        paint::runs(
            frame,
            layout::below(area, area.y + 2 + at as u16, 1),
            &[run(format!(" {line}"), Tone::Text)],
            theme,
            None,
        );
    }
}

/// A session closely, a line each.
fn detail_lines(reading: &Reading, width: usize) -> Vec<Vec<Run>> {
    let mut lines: Vec<Vec<Run>> = Vec::new();
    if reading.ended {
        lines.push(vec![run("This session has ended; this is what was known last.", Tone::Warn)]);
    }
    let Some(detail) = &reading.detail else {
        if !reading.ended {
            lines.push(vec![run("looking …", Tone::Dim)]);
        }
        return lines;
    };
    for line in text::wrap(&detail.query, width) {
        lines.push(vec![run(line, Tone::Text)]);
    }
    lines.push(Vec::new());
    for (name, value) in &detail.fields {
        lines.push(vec![run(format!("{name:<28}"), Tone::Dim), run(value.clone(), Tone::Text)]);
    }
    lines.push(Vec::new());
    lines.push(vec![run(format!("{} locks", detail.locks.len()), Tone::Strong)]);
    for lock in &detail.locks {
        let (sign, tone) = if lock.granted { ("holds     ", Tone::Dim) } else { ("WAITS FOR ", Tone::Bad) };
        lines.push(vec![
            run(sign, tone),
            run(format!("{:<25}", lock.mode), Tone::Text),
            run(format!("{:<15}", lock.kind), Tone::Dim),
            run(lock.object.clone(), Tone::Text),
        ]);
    }
    lines
}

fn detail(reading: &Reading, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let lines = detail_lines(reading, usize::from(area.width).saturating_sub(4));
    let title = format!("session {}", reading.who.pid);
    let inner = paint::frame(frame, Rect { height: area.height.min(area.bottom() - area.y), ..area }, &title, theme);
    let top = reading.scroll.min(lines.len().saturating_sub(inner.height.into()));
    for (at, line) in lines.iter().skip(top).take(inner.height.into()).enumerate() {
        paint::runs(frame, layout::below(inner, inner.y + at as u16, 1), line, theme, None);
    }
}

/// `12 s`, `5 min`, `3 h`, `2 d`.
fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}min", seconds / 60),
        seconds @ 7200..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}
