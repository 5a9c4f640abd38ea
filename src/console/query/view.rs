//! Draws a pane: state line, banner, editor, rule, rows or messages, strip, key line, and what lies over them. Pure; it must
//! not change anything.

use super::keymap::{LOOK, READ, REPLY, SEARCH, WRITE};
use super::layout::{self, Areas, areas};
use super::pane::{Focus, Pane, Showing, Work};
use super::{grid, page, text};
use crate::console::keys::Binding;
use crate::console::theme::{Theme, Tone};
use crate::model::{Transaction, visible};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Widget};

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Draws the pane: state line, editor, results, messages, key line. Pure.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    if area.height < 6 || area.width < 20 {
        frame.render_widget(Paragraph::new("the window is too small"), area);
        return;
    }
    let areas: Areas = areas(pane);
    let out = frame.buffer_mut();
    state_line(pane, out, areas.state, theme);
    banner(pane, out, areas.banner, theme);
    if areas.top.height > 0 {
        Line::styled("─".repeat(area.width as usize), theme.style(Tone::Dim)).render(areas.top, out);
    }
    let over = layout::overlay(&areas);
    if let Some(cell) = &pane.cell {
        grid::cell(cell, out, over, theme);
    } else if let Some(finder) = &pane.finder {
        page::history(&pane.recall, finder, pane.now, out, over, theme);
    } else {
        page::editor(pane, out, areas.editor, theme);
        rule(pane, out, areas.rule, theme);
        below(pane, out, &areas, theme);
    }
    key_line(pane, out, areas.keys, theme);
    if pane.question.is_some() {
        question(pane, out, over, theme);
    } else if pane.cell.is_none() && pane.finder.is_none() && pane.focus == Focus::Editor && areas.editor.height > 0 {
        frame.set_cursor_position(page::cursor(pane, areas.editor));
    }
}

fn below(pane: &Pane, out: &mut Buffer, areas: &Areas, theme: Theme) {
    match (pane.showing, pane.table()) {
        (Showing::Rows, Some(table)) if pane.expanded => {
            grid::expanded(table, pane.unfolded, pane.focus == Focus::Results, out, areas.results, theme);
        }
        (Showing::Rows, Some(table)) => {
            grid::rows(table, pane.focus == Focus::Results, out, areas.header, areas.results, theme);
        }
        _ if pane.log.is_empty() => page::welcome(out, areas.results, theme),
        _ => {
            let lines = pane.log.lines(areas.results.width as usize, areas.results.height as usize, theme);
            Paragraph::new(lines).render(areas.results, out);
        }
    }
    let strip = pane.log.strip(areas.strip.width as usize, areas.strip.height as usize, theme);
    Paragraph::new(strip).render(areas.strip, out);
}

/// Who, where, how: what gives way first in a narrow window matters least.
fn state_line(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    let facts = &pane.facts;
    let mode = if facts.read_only { ("READ-ONLY", Tone::Good) } else { ("WRITABLE", Tone::Bad) };
    let mut parts: Vec<(String, Tone, u8)> = vec![
        (visible(&pane.setup.name).into_owned(), Tone::Strong, 0),
        (visible(&format!("{}@{}", pane.setup.user, pane.setup.database)).into_owned(), Tone::Text, 0),
        (mode.0.to_owned(), mode.1, 0),
    ];
    if facts.hot_standby {
        parts.push(("replica".to_owned(), Tone::Warn, 1));
    }
    let tls = if facts.tls.version.is_empty() { "TLS".to_owned() } else { format!("TLS {}", facts.tls.version) };
    parts.push((tls, Tone::Dim, 3));
    parts.push((visible(&facts.route).into_owned(), Tone::Dim, 4));
    if let Some(minted) = facts.token_minted {
        let minutes = pane.now.duration_since(minted).unwrap_or_default().as_secs() / 60;
        let age = match minutes {
            0 => "token new".to_owned(),
            1..120 => format!("token {minutes} min"),
            _ => format!("token {} h", minutes / 60),
        };
        parts.push((age, Tone::Dim, 5));
    }
    parts.push((format!("PostgreSQL {}", visible(&facts.server_version)), Tone::Dim, 6));
    if pane.lost || pane.work == Work::Closed {
        let words = if pane.lost { "CONNECTION LOST" } else { "SESSION ENDED" };
        parts.insert(3, (words.to_owned(), Tone::Bad, 0));
    }
    let room = area.width as usize;
    let taken = |parts: &[(String, Tone, u8)]| -> usize {
        1 + parts.iter().map(|(words, ..)| text::width(words, 200) + 3).sum::<usize>().saturating_sub(3)
    };
    while taken(&parts) > room {
        match parts.iter().enumerate().max_by_key(|(_, part)| part.2).filter(|(_, part)| part.2 > 0) {
            Some((last, _)) => drop(parts.remove(last)),
            None => break,
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for (at, (words, tone, _)) in parts.into_iter().enumerate() {
        if at > 0 {
            spans.push(Span::styled(" · ", theme.style(Tone::Dim)));
        }
        spans.push(Span::styled(words, theme.style(tone)));
    }
    Line::from(spans).render(area, out);
}

/// Over the whole width and inverse: seen without reading.
fn banner(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    if area.height == 0 {
        return;
    }
    let mode = if pane.facts.read_only { "read-only" } else { "WRITABLE" };
    let words = format!("PRODUCTION · {} · {mode}", visible(&pane.setup.name));
    let style = theme.style(Tone::Bad).add_modifier(Modifier::REVERSED | Modifier::BOLD);
    out.set_style(area, style);
    Line::styled(words, style).centered().render(area, out);
}

/// The line between editor and results: how the run stands, where in the result one is, what was said last.
fn rule(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    let dim = theme.style(Tone::Dim);
    Line::styled("─".repeat(area.width as usize), dim).render(area, out);
    let mut left: Vec<Span<'static>> = Vec::new();
    let mut part = |words: String, tone: Tone| {
        left.push(Span::raw(if left.is_empty() { " " } else { " · " }));
        left.push(Span::styled(words, theme.style(tone)));
    };
    let rows = (pane.showing == Showing::Rows).then(|| pane.output()).flatten();
    if let Some(run) = &pane.run {
        let elapsed = pane.now.duration_since(run.began).unwrap_or_default();
        let frame = SPINNER[(elapsed.as_millis() / 100 % 10) as usize];
        let what = if run.cancelling { "cancelling" } else { "running" };
        let many = run.sent.len();
        let number = if many > 1 { format!(" {}/{many}", run.index + 1) } else { String::new() };
        part(format!("{frame} {what}{number} {}", text::duration(elapsed)), Tone::Accent);
    }
    if let Some(output) = rows {
        let table = &output.table;
        if pane.outputs.len() > 1 {
            part(format!("result {}/{}", pane.current + 1, pane.outputs.len()), Tone::Text);
        }
        let unit = if table.rows == 1 { "row" } else { "rows" };
        part(format!("{} {unit}", text::grouped(table.rows)), Tone::Text);
        if pane.run.is_some() && table.bytes > 1 << 20 {
            part(text::size(table.bytes), Tone::Dim);
        }
        if !output.told.is_empty() {
            part(output.told.clone(), Tone::Dim);
        }
        if output.failed {
            part("incomplete".to_owned(), Tone::Bad);
        }
        if let Some(short) = &table.short {
            part(short.clone(), Tone::Warn);
        }
    } else if pane.run.is_none() {
        match pane.work {
            Work::Done => part("done".to_owned(), Tone::Good),
            Work::Failed => part("failed".to_owned(), Tone::Bad),
            Work::Fresh | Work::Running | Work::Closed => {}
        }
    }
    if !left.is_empty() {
        left.push(Span::raw(" "));
    }
    let mut right: Vec<Span<'static>> = Vec::new();
    if let Some((tone, words)) = &pane.said {
        right.push(Span::styled(format!(" {} ", visible(words)), theme.style(*tone)));
    } else if let Some(output) = rows.filter(|output| output.table.rows > 0 && pane.focus == Focus::Results) {
        let typed = pane.count.map(|count| format!(" {count}…")).unwrap_or_default();
        let place = format!(" row {}{typed} ", text::grouped(output.table.row + 1));
        right.push(Span::styled(place, theme.style(Tone::Text)));
    }
    let right = Line::from(right);
    let room = area.width.saturating_sub(2);
    let wide = (right.width() as u16).min(room);
    let start = Rect { x: area.x + 1, width: room.saturating_sub(wide), ..area };
    Line::from(left).render(start, out);
    right.render(Rect { x: area.x + 1 + room - wide, width: wide, ..area }, out);
}

/// The keys that matter here, and where the transaction stands.
fn key_line(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    let (state, tone) = match (pane.transaction, pane.work) {
        (_, Work::Closed) => ("session ended", Tone::Bad),
        (Transaction::Idle, Work::Running) => ("running · autocommit", Tone::Dim),
        (Transaction::Idle, _) => ("idle · autocommit", Tone::Dim),
        (Transaction::Open, _) => ("TRANSACTION OPEN", Tone::Warn),
        (Transaction::Failed, _) => ("TRANSACTION FAILED · rollback ends it", Tone::Bad),
    };
    let right = Line::from(vec![Span::styled(format!("{state} "), theme.style(tone))]);
    let wide = (right.width() as u16).min(area.width);
    right.render(Rect { x: area.right() - wide, width: wide, ..area }, out);

    let mut keys: Vec<(String, &'static str)> = Vec::new();
    if pane.question.is_some() {
        labels(REPLY, &mut keys);
    } else if pane.cell.is_some() {
        labels(READ, &mut keys);
    } else if pane.finder.is_some() {
        labels(SEARCH, &mut keys);
    } else {
        if pane.run.is_some() {
            keys.push(("Ctrl-C".to_owned(), "cancel"));
        }
        match pane.focus {
            Focus::Editor => labels(WRITE, &mut keys),
            Focus::Results => labels(LOOK, &mut keys),
        }
    }
    let room = area.width.saturating_sub(wide + 1) as usize;
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, label) in keys {
        let more = text::width(&key, 99) + text::width(label, 99) + 3;
        if used + more > room + 2 {
            break;
        }
        used += more;
        spans.push(Span::styled(key, theme.style(Tone::Accent)));
        spans.push(Span::styled(format!(" {label}  "), theme.style(Tone::Dim)));
    }
    Line::from(spans).render(Rect { width: area.width.saturating_sub(wide), ..area }, out);
}

fn labels<A>(table: &'static [Binding<A>], keys: &mut Vec<(String, &'static str)>) {
    keys.extend(table.iter().filter(|row| !row.label.is_empty()).map(|row| (spelled(row.keys[0]), row.label)));
}

/// `C-r` as `Ctrl-R`, `Enter` as `↵`.
fn spelled(name: &str) -> String {
    match (name.strip_prefix("C-"), name.strip_prefix("M-")) {
        (Some(key), _) => format!("Ctrl-{}", key.to_uppercase()),
        (_, Some(key)) => format!("Alt-{}", key.to_uppercase()),
        _ if name == "Enter" => "↵".to_owned(),
        _ => name.to_owned(),
    }
}

fn question(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    let Some(question) = &pane.question else { return };
    let width = area.width.saturating_sub(4).min(90);
    let inner = width.saturating_sub(4) as usize;
    let mut lines: Vec<Line<'static>> = Vec::new();
    for line in text::wrap(&question.title, inner) {
        lines.push(Line::styled(line, theme.style(Tone::Bad)));
    }
    lines.push(Line::default());
    for line in &question.lines {
        lines.push(Line::raw(text::cut(line, inner).0));
    }
    lines.push(Line::default());
    let mut keys = Vec::new();
    for row in REPLY {
        keys.push(Span::styled(row.keys[0], theme.style(Tone::Accent)));
        keys.push(Span::styled(format!(" {}   ", row.label), theme.style(Tone::Dim)));
    }
    lines.push(Line::from(keys));
    let height = (lines.len() as u16 + 2).min(area.height);
    let area = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(area, out);
    let block =
        Block::bordered().border_style(theme.style(Tone::Bad)).padding(ratatui::widgets::Padding::horizontal(1));
    let within = block.inner(area);
    block.render(area, out);
    Paragraph::new(lines).render(within, out);
}
