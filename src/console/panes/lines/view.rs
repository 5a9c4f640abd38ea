//! The Lines screen drawn: a table of forwarded ports and listeners, what is known of the selected one, and the live routes.
//! It changes nothing.

use super::{Forwarding, Listening, Pane, Row, way};
use crate::access::{ForwardNews, LineReport, ListenerReport};
use crate::console::layout;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::{spinner, text};
use crate::model::{Endpoint, ListenerSettings};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::{Duration, SystemTime};

/// Columns right of the target, by the width from which they are shown: heading, width.
const COLUMNS: [(u16, &str, usize); 8] = [
    (60, "OPEN", 5),
    (70, "IN", 9),
    (70, "OUT", 9),
    (100, "LOGINS", 7),
    (100, "BASTION", 14),
    (120, "TRIP", 8),
    (120, "AGE", 9),
    (132, "RESUMES", 8),
];
/// Columns of the local address.
const LOCAL: usize = 22;

/// What a row of the table tells; one cell for each of [`COLUMNS`].
struct Cells {
    mark: (&'static str, Tone),
    local: String,
    target: String,
    cells: [String; 8],
}

/// Draws all below the header.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, body: Rect, theme: Theme, now: SystemTime) {
    let mut y = body.y;
    let row = |y: &mut u16| {
        *y += 1;
        layout::below(body, *y - 1, 1)
    };
    paint::rule(frame, row(&mut y), theme);
    let shown: Vec<&(u16, &str, usize)> = COLUMNS.iter().filter(|(from, ..)| body.width >= *from).collect();
    let taken: usize = shown.iter().map(|(_, _, columns)| columns + 1).sum();
    let room = usize::from(body.width).saturating_sub(4 + LOCAL + 1 + taken);
    let mut heading = format!("    {} {}", text::fit("PORT OR SOCKET", LOCAL), text::fit("LEADS TO", room));
    for (_, name, columns) in &shown {
        heading.push_str(&format!(" {name:>columns$}", columns = *columns));
    }
    paint::runs(frame, row(&mut y), &[run(heading, Tone::Dim)], theme, None);
    let rows = pane.rows();
    if rows.is_empty() {
        let words = "   none: in the fleet, t forwards a port to a database, o listens for clients";
        paint::runs(frame, row(&mut y), &[run(words, Tone::Dim)], theme, None);
    }
    for (at, one) in rows.iter().enumerate() {
        let chosen = at == pane.cursor.selected;
        let cells = match one {
            Row::Forward(forward) => of_forward(pane, forward, now),
            Row::Listener(listener) => of_listener(pane, listener, now),
            Row::Kept(listener) => of_kept(listener),
        };
        let bar = if chosen { run("▌ ", Tone::Accent) } else { run("  ", Tone::Text) };
        let mut line = vec![
            bar,
            run(format!("{} ", cells.mark.0), cells.mark.1),
            run(format!("{} ", text::fit(&text::truncate_middle(&cells.local, LOCAL), LOCAL)), Tone::Strong),
            run(text::fit(&text::truncate_middle(&cells.target, room), room), Tone::Text),
        ];
        for ((from, _, columns), cell) in COLUMNS.iter().zip(&cells.cells) {
            if body.width >= *from {
                let cell = text::truncate(cell, *columns);
                line.push(run(format!(" {cell:>columns$}", columns = *columns), Tone::Dim));
            }
        }
        let under = chosen.then(|| theme.style(Tone::Selected));
        paint::runs(frame, row(&mut y), &line, theme, under);
        let way = match one {
            Row::Forward(forward) if forward.port.is_none() => Some(&forward.way),
            Row::Listener(listener) if listener.lead.is_none() => Some(&listener.way),
            _ => None,
        };
        if let Some(way) = way.filter(|_| chosen) {
            let area = layout::below(body, y, body.height);
            way::view(way, frame, area, theme, now);
            if way.failed.is_some() {
                return;
            }
            y += way.height();
        }
        let details = match one {
            Row::Forward(forward) => about_forward(pane, forward, chosen, body.width),
            Row::Listener(listener) => about_listener(pane, listener, chosen, body.width),
            Row::Kept(_) if chosen => dim("of the settings, not open · Enter opens it", body.width),
            Row::Kept(_) => Vec::new(),
        };
        for words in details {
            paint::runs(frame, row(&mut y), &words, theme, None);
        }
    }
    row(&mut y);
    paint::runs(frame, row(&mut y), &[run("   LIVE ROUTES", Tone::Dim)], theme, None);
    let live: Vec<&LineReport> = pane.reports.iter().filter(|report| report.is_alive).collect();
    if live.is_empty() {
        paint::runs(frame, row(&mut y), &[run("   none", Tone::Dim)], theme, None);
    }
    for report in live {
        let room = usize::from(body.width).saturating_sub(text::width(&report.route) + 6);
        let address = text::truncate_middle(&report.address, room).into_owned();
        let about = [run("   ", Tone::Text), run(address, Tone::Text), run(format!("  {}", report.route), Tone::Dim)];
        paint::runs(frame, row(&mut y), &about, theme, None);
        for line in dim(&figures(report), body.width) {
            paint::runs(frame, row(&mut y), &line, theme, None);
        }
    }
}

/// Words below a row, in as many lines as they need. Parts between ` · ` that fit a line stay whole: a number and its unit
/// belong together.
fn dim(words: &str, width: u16) -> Vec<Vec<Run>> {
    let room = usize::from(width).saturating_sub(7);
    let part = |part: &str| match text::width(part) + 2 <= room {
        true => part.replace(' ', "\u{a0}"),
        false => part.to_owned(),
    };
    // The dot goes with what stands before it.
    let bound: Vec<String> = words.split(" · ").map(part).collect();
    let lines = text::wrap(&bound.join("\u{a0}· "), room);
    lines.into_iter().map(|line| vec![run(format!("      {}", line.replace('\u{a0}', " ")), Tone::Dim)]).collect()
}

/// A route's figures in a line.
fn figures(report: &LineReport) -> String {
    let health = if report.health.is_empty() { "up" } else { &report.health };
    let mut words = vec![
        health.to_owned(),
        counted(report.streams, "stream"),
        format!("↓ {} ↑ {}", text::bytes(report.received), text::bytes(report.sent)),
    ];
    words.extend(report.round_trip.filter(|_| report.is_alive).map(text::took));
    if report.resumes > 0 {
        words.push(counted(report.resumes as usize, "resume"));
    }
    if report.is_alive {
        words.push(format!("{} old", age(report.age)));
    }
    words.join(" · ")
}

/// `14 s`, `12 min`, `3 h 05 min`, `2 d`.
fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h {:02}", seconds / 3_600, seconds % 3_600 / 60),
        seconds => format!("{} d", seconds / 86_400),
    }
}

fn opening(way: &way::Way, now: SystemTime) -> ((&'static str, Tone), String) {
    if way.failed.is_some() {
        return (("✗", Tone::Bad), "ended · e why".to_owned());
    }
    let elapsed = now.duration_since(way.since).unwrap_or_default();
    let words = format!("opening {}.{} s", elapsed.as_secs(), elapsed.subsec_millis() / 100);
    ((spinner::frame(elapsed), Tone::Accent), words)
}

/// A route's cells: bastion, trip, age, resumes.
fn of_line(report: &LineReport) -> [String; 4] {
    let trip = report.round_trip.filter(|_| report.is_alive).map(text::took).unwrap_or_else(|| "–".to_owned());
    let bastion = report.route.strip_prefix("via ").unwrap_or(&report.route).to_owned();
    [bastion, trip, age(report.age), report.resumes.to_string()]
}

/// The route of a port, among those that are live.
fn line_of<'a>(pane: &'a Pane, endpoint: &Endpoint) -> Option<&'a LineReport> {
    let address = endpoint.address();
    pane.reports.iter().find(|report| report.address == address)
}

fn of_forward(pane: &Pane, forward: &Forwarding, now: SystemTime) -> Cells {
    let target = forward.endpoint.address();
    let Some((port, since)) = forward.port else {
        let (mark, local) = opening(&forward.way, now);
        return Cells { mark, local, target, cells: Default::default() };
    };
    let mut cells: [String; 8] = Default::default();
    cells[3] = "–".to_owned();
    cells[6] = age(now.duration_since(since).unwrap_or_default());
    if let Some(own) = pane.forwarding.iter().find(|own| own.port == port) {
        [cells[0], cells[1], cells[2]] = [own.streams.to_string(), text::bytes(own.received), text::bytes(own.sent)];
    }
    let line = line_of(pane, &forward.endpoint);
    if let Some(report) = line {
        let [bastion, trip, _, resumes] = of_line(report);
        [cells[4], cells[5], cells[7]] = [bastion, trip, resumes];
    }
    // A session that has ended is opened again for the next connection.
    let mark = if line.is_none_or(|line| line.is_alive) { ("✓", Tone::Good) } else { ("·", Tone::Dim) };
    Cells { mark, local: format!("127.0.0.1:{port}"), target, cells }
}

fn of_listener(pane: &Pane, listener: &Listening, now: SystemTime) -> Cells {
    let target = format!("{}, as {}", listener.plan.name, listener.who());
    let Some((lead, _)) = &listener.lead else {
        let (mark, local) = opening(&listener.way, now);
        return Cells { mark, local, target, cells: Default::default() };
    };
    let mut cells: [String; 8] = Default::default();
    let report = report_of(pane, listener);
    if let Some(report) = report {
        let [bastion, trip, _, resumes] = report.line.as_ref().map(of_line).unwrap_or_default();
        let (received, sent) = (text::bytes(report.received), text::bytes(report.sent));
        let (streams, logins) = (report.streams.to_string(), report.logins.to_string());
        cells = [streams, received, sent, logins, bastion, trip, age(report.age), resumes];
    }
    // Once clients get in again, it is history.
    let troubled = report.is_some_and(|report| report.since_error.is_some_and(|(_, logins)| logins == 0));
    let mark = if troubled { ("!", Tone::Warn) } else { ("✓", Tone::Good) };
    Cells { mark, local: format!("{}:{}", lead.host, lead.port), target, cells }
}

fn of_kept(listener: &ListenerSettings) -> Cells {
    let local = match (&listener.socket, listener.port) {
        (Some(folder), port) => format!("{}/.s.PGSQL.{}", folder.display(), port.unwrap_or(5432)),
        (None, Some(port)) => format!("127.0.0.1:{port}"),
        (None, None) => "any free port".to_owned(),
    };
    let who = if listener.users.is_empty() { String::new() } else { format!(", as {}", listener.users.join(", ")) };
    let target = match listener.name == listener.target {
        true => format!("{}{who}", listener.target),
        false => format!("{} → {}{who}", listener.name, listener.target),
    };
    Cells { mark: ("○", Tone::Dim), local, target, cells: Default::default() }
}

/// What a listener has done, as last told.
pub(super) fn report_of<'a>(pane: &'a Pane, listener: &Listening) -> Option<&'a ListenerReport> {
    let address = listener.address()?;
    pane.listening.iter().find(|report| report.address == address)
}

fn about_forward(pane: &Pane, forward: &Forwarding, chosen: bool, width: u16) -> Vec<Vec<Run>> {
    let mut rows = Vec::new();
    if chosen && forward.port.is_some() {
        let words = match forward.endpoint.engine.is_postgres() {
            true => "a forwarded port, for tools that bring their own login · y copies a psql command that verifies it",
            false => "a forwarded port; log in there yourself, its certificate is for the database's own name",
        };
        rows.extend(dim(words, width));
        if let Some(report) = line_of(pane, &forward.endpoint) {
            rows.extend(dim(&format!("{} · {}", report.route, figures(report)), width));
        }
    }
    // What the last word is; the selected one tells all it has.
    let first = if chosen { 0 } else { forward.news.len().saturating_sub(1) };
    rows.extend(forward.news.iter().skip(first).flat_map(told));
    rows
}

fn about_listener(pane: &Pane, listener: &Listening, chosen: bool, width: u16) -> Vec<Vec<Run>> {
    let Some(report) = report_of(pane, listener) else { return Vec::new() };
    let mut rows = Vec::new();
    if chosen {
        let access = report.access();
        let logins = counted(usize::try_from(report.logins).unwrap_or(usize::MAX), "login");
        let mut words =
            vec![report.database.clone(), access.to_owned(), logins, format!("open for {}", age(report.age))];
        if report.refused > 0 {
            words.push(format!("{} turned away", report.refused));
        }
        rows.extend(dim(&words.join(" · "), width));
        let route = match &report.line {
            Some(line) => format!("{} · {}", line.route, figures(line)),
            None => "no route now: the next client opens one".to_owned(),
        };
        rows.extend(dim(&route, width));
    }
    if let (Some(error), Some((ago, logins))) = (&report.last_error, report.since_error) {
        let (mark, tone) = if logins == 0 { ("!", Tone::Warn) } else { ("·", Tone::Dim) };
        let mut words = vec![format!("{} ago", age(ago))];
        if logins > 0 {
            words.push(format!("{} since", counted(usize::try_from(logins).unwrap_or(usize::MAX), "login")));
        }
        words.push("e why".to_owned());
        // What is to be done about it is not cut off.
        let after = format!(" · {}", words.join(" · "));
        let room = usize::from(width).saturating_sub(8 + text::width(&after));
        let shown = text::truncate(error, room.max(20));
        let tone_of_words = if logins == 0 { Tone::Text } else { Tone::Dim };
        rows.push(vec![
            run(format!("      {mark} "), tone),
            run(shown.into_owned(), tone_of_words),
            run(after, Tone::Dim),
        ]);
    }
    rows
}

/// One message of a port, and the reasons below it.
fn told(news: &ForwardNews) -> Vec<Vec<Run>> {
    match news {
        ForwardNews::Trouble(diagnosis) => {
            let mut rows =
                vec![vec![run("      ! ", Tone::Warn), run(format!("{} · e why", diagnosis.title), Tone::Text)]];
            if !diagnosis.because.is_empty() {
                rows.push(vec![run(format!("        {}", diagnosis.because.join("; ")), Tone::Dim)]);
            }
            rows
        }
        ForwardNews::Mended(how) => vec![vec![run("      ✓ ", Tone::Good), run(how.clone(), Tone::Text)]],
    }
}

/// `1 stream`, `2 streams`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
