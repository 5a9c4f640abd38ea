//! Draws a pane: state line, banner, editor, rule, rows or messages, strip, key line, and what lies over them. Pure; it must
//! not change anything.

use super::completion::{self, CHOOSE};
use super::keymap::{FILL, LOOK, Look, PLAN, READ, SEARCH, WRITE, Write};
use super::layout::{self, Areas, areas};
use super::pane::{Focus, Link, Pane, Showing, Stop, Work};
use super::shelf::{self, LABEL, PICK, Shelf};
use super::tree::{BRANCH, SIFT};
use super::{LineHealth, browse, grid, page, plan, plan_view, sheet_view, standing, text, tree};
use crate::console::keys::Binding;
use crate::console::theme::{Theme, Tone};
use crate::model::{Transaction, visible};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Widget};

/// Columns of a name that are left when the state line has no room.
const NAME: usize = 12;

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
    } else if let Some(shelf) = &pane.shelf {
        shelf::view::draw(shelf, &pane.setup.name, out, over, theme);
    } else {
        page::editor(pane, out, areas.editor, theme);
        rule(pane, out, areas.rule, theme);
        if let Some((tone, words)) = standing::trouble(pane) {
            let lines = text::wrap(&words, layout::trouble_width(areas.trouble));
            let lines =
                lines.into_iter().map(|line| Line::styled(format!(" {}", line.trim_start()), theme.style(tone)));
            Paragraph::new(lines.collect::<Vec<_>>()).render(areas.trouble, out);
        }
        below(pane, out, &areas, theme);
        if pane.tree.shown {
            tree::view::draw(pane, out, layout::tree(pane, &areas), theme);
        }
        if let Some(sheet) = &pane.shaping.sheet {
            sheet_view::draw(pane, sheet, out, over, theme);
        }
    }
    key_line(pane, out, areas.keys, theme);
    if pane.question.is_some() {
        question(pane, out, over, theme);
    } else if !pane.is_covered()
        && !pane.tree.focused
        && pane.focus == Focus::Editor
        && let Some(at) = layout::cursor(pane)
    {
        hint(pane, frame.buffer_mut(), &areas, at, theme);
        if let Some(popup) = &pane.completion.popup {
            // Over everything but the first and the last line of the pane.
            completion::draw(popup, at, frame.buffer_mut(), popup_room(&areas, area), theme);
        }
        let typed = pane.vi.as_ref().and_then(|vi| vi.typed());
        frame.set_cursor_position(typed.map_or(at, |typed| {
            let x = 1 + text::width(&typed, usize::from(areas.keys.width / 2)) as u16;
            Position::new(areas.keys.x + x.min(areas.keys.width.saturating_sub(1)), areas.keys.y)
        }));
    }
}

fn popup_room(areas: &Areas, area: Rect) -> Rect {
    Rect { y: areas.editor.y, height: areas.keys.y.saturating_sub(areas.editor.y), ..area }
}

/// What the cursor fills in: in the line above the editor, or else in the rule below it, behind how the run stands; where
/// the list of names lies over that, below the list.
fn hint(pane: &Pane, out: &mut Buffer, areas: &Areas, cursor: Position, theme: Theme) {
    let Some(hint) = &pane.completion.hint else { return };
    if areas.top.height > 0 {
        let line = Rect { x: areas.top.x + 1, width: areas.top.width.saturating_sub(2), ..areas.top };
        hint.draw(out, line, theme);
        return;
    }
    let room = popup_room(areas, pane.area);
    let list = pane.completion.popup.as_ref().map_or(0..0, |popup| completion::rows(popup, cursor, room));
    if list.contains(&areas.rule.y) {
        // Below the list, over what was the answer to something else.
        let line = Rect { y: list.end, height: u16::from(list.end < areas.keys.y), ..areas.rule };
        if line.height > 0 {
            Clear.render(line, out);
            hint.draw(out, line, theme);
        }
        return;
    }
    let taken: usize = standing::parts(pane).iter().map(|(words, _)| text::width(words, 999) + 3).sum();
    let start = 1 + u16::try_from(taken).unwrap_or(u16::MAX);
    let width = areas.rule.width.saturating_sub(start.saturating_add(1));
    let line = Rect { x: areas.rule.x + start.min(areas.rule.width), width, ..areas.rule };
    if width >= 24 {
        Line::styled("─".repeat(width.into()), theme.style(Tone::Dim)).render(line, out);
        hint.draw(out, line, theme);
    }
}

fn below(pane: &Pane, out: &mut Buffer, areas: &Areas, theme: Theme) {
    if let Some(tree) = plan::shown(pane) {
        plan_view::draw(tree, pane.focus == Focus::Results, out, areas.header, areas.results, theme);
        below_rows(pane, out, areas, theme);
        return;
    }
    match (pane.showing, pane.table()) {
        (Showing::Rows, Some(table)) if pane.expanded => {
            grid::expanded(table, pane.unfolded, pane.focus == Focus::Results, out, areas.results, theme);
        }
        (Showing::Rows, Some(table)) => {
            grid::rows(
                table,
                pane.shaping.needle.as_ref(),
                pane.focus == Focus::Results,
                out,
                areas.header,
                areas.results,
                theme,
            );
            if table.rows == 0 {
                let words = Line::styled(format!("  {}", standing::none(pane)), theme.style(Tone::Dim));
                words.render(Rect { height: areas.results.height.min(1), ..areas.results }, out);
            }
        }
        _ if pane.runs == 0 && pane.log.is_empty() => page::welcome(&pane.setup.way, out, areas.results, theme),
        _ => {
            let lines = pane.log.lines(areas.results.width as usize, areas.results.height as usize, theme);
            Paragraph::new(lines).render(areas.results, out);
        }
    }
    below_rows(pane, out, areas, theme);
}

fn below_rows(pane: &Pane, out: &mut Buffer, areas: &Areas, theme: Theme) {
    if standing::shows_previous(pane) {
        // What the statement before gave, until this one answers.
        out.set_style(areas.header, theme.style(Tone::Dim));
        out.set_style(areas.results, theme.style(Tone::Dim));
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
        (visible(&format!("{}@{}", pane.setup.user, pane.setup.database)).into_owned(), Tone::Text, 1),
        (mode.0.to_owned(), mode.1, 0),
    ];
    if facts.hot_standby {
        parts.push(("replica".to_owned(), Tone::Warn, 1));
    }
    let tls = if facts.tls.version.is_empty() { "TLS".to_owned() } else { format!("TLS {}", facts.tls.version) };
    parts.push((tls, Tone::Dim, 3));
    let route = visible(&facts.route).into_owned();
    parts.push(match &pane.health {
        LineHealth::Up => (route, Tone::Dim, 4),
        _ => (route, Tone::Bad, 2),
    });
    // What the route came to stays when the route's name has to give way.
    match &pane.health {
        LineHealth::Up => {}
        LineHealth::Lost { since, .. } => {
            let since = pane.now.duration_since(*since).unwrap_or_default();
            parts.push((format!("reconnecting {}", text::seconds(since)), Tone::Bad, 0));
        }
        LineHealth::Ended(_) => parts.push(("tunnel ended".to_owned(), Tone::Bad, 0)),
    }
    if let Some(minted) = facts.token_minted.filter(|_| pane.link == Link::Up) {
        let minutes = pane.now.duration_since(minted).unwrap_or_default().as_secs() / 60;
        let age = match minutes {
            0 => "token new".to_owned(),
            1..120 => format!("token {minutes} min"),
            _ => format!("token {} h", minutes / 60),
        };
        parts.push((age, Tone::Dim, 5));
    }
    if let Some((statement, lock)) = pane.timeouts {
        let named = [("timeout", statement), ("lock", lock)];
        let words: Vec<String> = named
            .iter()
            .filter(|(_, limit)| !limit.is_zero())
            .map(|(name, limit)| match limit.subsec_nanos() {
                0 => format!("{name} {}", text::seconds(*limit)),
                _ => format!("{name} {}", text::duration(*limit)),
            })
            .collect();
        // Whoever has set them wants to see them.
        parts.push((words.join(", "), Tone::Dim, 2));
    }
    parts.push((format!("PostgreSQL {}", visible(&facts.server_version)), Tone::Dim, 6));
    if pane.completion.failed.is_some() {
        parts.push(("names not loaded".to_owned(), Tone::Dim, 7));
    }
    match (pane.link, pane.work) {
        (_, Work::Closed) => parts.insert(3, ("SESSION ENDED".to_owned(), Tone::Bad, 0)),
        (Link::Lost, _) => parts.insert(3, ("CONNECTION LOST".to_owned(), Tone::Bad, 0)),
        (Link::Cut, _) => parts.insert(3, ("not connected".to_owned(), Tone::Dim, 2)),
        (Link::Up, _) => {}
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
    // The name may be so long that nothing else gives way: it is cut, then, so that what comes behind it stays.
    let over = taken(&parts).saturating_sub(room);
    if let Some((name, ..)) = parts.first_mut().filter(|_| over > 0) {
        *name = text::cut(name, text::width(name, 200).saturating_sub(over).max(NAME)).0;
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

/// The line between editor and results: how the run stands, what was said last, where in the result one is.
fn rule(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    Line::styled("─".repeat(area.width as usize), theme.style(Tone::Dim)).render(area, out);
    let mut left: Vec<Span<'static>> = Vec::new();
    for (words, tone) in standing::parts(pane) {
        left.push(Span::raw(if left.is_empty() { " " } else { " · " }));
        left.push(Span::styled(words, theme.style(tone)));
    }
    if !left.is_empty() {
        left.push(Span::raw(" "));
    }
    let right = match &pane.said {
        Some((tone, words)) if says_in_rule(pane, words, area.width) => {
            Line::styled(format!(" {} ", visible(words)), theme.style(*tone))
        }
        _ => Line::styled(standing::place(pane).unwrap_or_default(), theme.style(Tone::Text)),
    };
    let left = Line::from(left);
    let room = area.width.saturating_sub(2);
    // How it stands comes before where one is in it.
    let wide = Some(right.width() as u16).filter(|wide| *wide + left.width() as u16 <= room).unwrap_or(0);
    left.render(Rect { x: area.x + 1, width: room - wide, ..area }, out);
    right.render(Rect { x: area.x + 1 + room - wide, width: wide, ..area }, out);
}

/// Whether there is room in the rule for what was said; the last row has it otherwise.
fn says_in_rule(pane: &Pane, words: &str, width: u16) -> bool {
    let taken: usize = standing::parts(pane).iter().map(|(words, _)| text::width(words, 999) + 3).sum();
    taken + text::width(words, 999) + 6 <= width.into()
}

/// The keys that matter here, and where the transaction stands.
fn key_line(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    let (state, tone) = match (pane.transaction, pane.work) {
        (_, Work::Closed) => ("session ended", Tone::Bad),
        // Neither idle nor open: the header says why, and the next statement connects.
        _ if pane.link == Link::Lost => ("not connected", Tone::Warn),
        _ if pane.link == Link::Cut => ("not connected", Tone::Dim),
        (Transaction::Idle, Work::Running) if pane.manual => ("running · manual commit", Tone::Dim),
        (Transaction::Idle, _) if pane.manual => ("idle · manual commit", Tone::Dim),
        (Transaction::Open, _) if pane.manual => ("TRANSACTION OPEN · commit, rollback", Tone::Warn),
        (Transaction::Idle, Work::Running) => ("running · autocommit", Tone::Dim),
        (Transaction::Idle, _) => ("idle · autocommit", Tone::Dim),
        (Transaction::Open, _) => ("TRANSACTION OPEN", Tone::Warn),
        (Transaction::Failed, _) => ("TRANSACTION FAILED · rollback ends it", Tone::Bad),
    };
    let right = Line::from(vec![Span::styled(format!("{state} "), theme.style(tone))]);
    let wide = (right.width() as u16).min(area.width);
    right.render(Rect { x: area.right() - wide, width: wide, ..area }, out);

    let at_editor = !pane.is_covered() && !pane.tree.focused && pane.focus == Focus::Editor;
    let mode = pane.vi.as_ref().filter(|_| at_editor).map(|vi| {
        let room = area.width.saturating_sub(wide + 1) as usize;
        Span::styled(format!(" {} ", text::cut(&vi.status(), room / 2).0), theme.style(Tone::Strong))
    });
    if let Some((tone, words)) = pane.said.as_ref().filter(|(_, words)| !says_in_rule(pane, words, area.width)) {
        let taken = mode.as_ref().map_or(0, Span::width);
        let room = usize::from(area.width.saturating_sub(wide + 2)).saturating_sub(taken);
        let words = Span::styled(format!(" {}", text::cut(words, room).0), theme.style(*tone));
        let line = Line::from_iter(mode.into_iter().chain([words]));
        line.render(Rect { width: area.width.saturating_sub(wide), ..area }, out);
        return;
    }
    let mut keys: Vec<(String, &'static str)> = Vec::new();
    if pane.question.is_some() {
        labels(pane.replies(), &mut keys);
    } else if pane.cell.is_some() {
        labels(READ, &mut keys);
    } else if pane.finder.is_some() {
        labels(SEARCH, &mut keys);
    } else if let Some(shelf) = &pane.shelf {
        if matches!(shelf, Shelf::List(_)) { labels(PICK, &mut keys) } else { labels(LABEL, &mut keys) }
    } else if pane.shaping.sheet.is_some() {
        labels(FILL, &mut keys);
    } else if pane.tree.focused {
        if pane.tree.sifting { labels(SIFT, &mut keys) } else { labels(BRANCH, &mut keys) }
    } else {
        if let Some(run) = &pane.run {
            keys.push((
                "Ctrl-C".to_owned(),
                match run.stop {
                    Stop::No => "cancel",
                    Stop::Unmoved(Some(means)) => means.function(),
                    _ => "drop the connection",
                },
            ));
        }
        if pane.completion.popup.is_some() {
            labels(CHOOSE, &mut keys);
        }
        match pane.focus {
            Focus::Editor => {
                let from = keys.len();
                // While something runs nothing else is sent.
                let refused = |action| pane.run.is_some() && matches!(action, Write::Run | Write::RunAll | Write::Plan);
                labels_of(WRITE.iter().filter(|row| !refused(row.action)), &mut keys);
                // vi's Esc ends a mode, and leads nowhere else.
                for (key, _) in keys[from..].iter_mut().filter(|(key, _)| pane.vi.is_some() && key == "Esc") {
                    "Tab".clone_into(key);
                }
                keys.retain(|(_, label)| pane.vi.is_none() || !pane.types() || *label != "results");
            }
            Focus::Results if plan::shown(pane).is_some() => {
                labels(PLAN, &mut keys);
                let general: Vec<&Binding<Look>> = LOOK
                    .iter()
                    .filter(|row| {
                        matches!(row.action, Look::Out | Look::Messages | Look::Zoom | Look::Help | Look::Back)
                    })
                    .collect();
                keys.extend(general.into_iter().map(|row| (spelled(row.keys[0]), row.label)));
            }
            Focus::Results if browse::reads(pane) => {
                let other = |row: &&Binding<Look>| row.action != Look::Messages || pane.table().is_some();
                let rows = LOOK.iter().filter(|row| browse::is_of_messages(row.action)).filter(other);
                labels_of(rows, &mut keys);
                // It is no cell that is opened or copied there.
                keys.iter_mut().filter(|(_, label)| *label == "cell").for_each(|(_, label)| *label = "read");
                keys.iter_mut().filter(|(_, label)| *label == "messages").for_each(|(_, label)| *label = "rows");
            }
            Focus::Results => labels(LOOK, &mut keys),
        }
    }
    // The way out and the help are in sight wherever there is room for more than those.
    let more = |key: &str, label: &str| text::width(key, 99) + text::width(label, 99) + 3;
    let mut kept: Vec<(String, &'static str)> = Vec::new();
    for label in ["fleet", "help"] {
        kept.extend(keys.iter().position(|(_, other)| *other == label).map(|at| keys.remove(at)));
    }
    let room = area.width.saturating_sub(wide + 1) as usize;
    let mut spans = vec![mode.unwrap_or(Span::raw(" "))];
    let mut used = spans[0].width();
    if used > 1 {
        spans.push(Span::raw(" "));
        used += 1;
    }
    let needed: usize = kept.iter().map(|(key, label)| more(key, label)).sum();
    let reserved = if used + 2 * needed <= room { needed } else { 0 };
    let fit = keys.iter().scan(used + reserved, |used, (key, label)| {
        *used += more(key, label);
        Some(*used)
    });
    keys.truncate(fit.take_while(|used| *used <= room + 2).count());
    for (key, label) in keys.into_iter().chain(kept) {
        let more = more(&key, label);
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
    labels_of(table.iter(), keys);
}

fn labels_of<A: 'static>(rows: impl Iterator<Item = &'static Binding<A>>, keys: &mut Vec<(String, &'static str)>) {
    keys.extend(rows.filter(|row| !row.label.is_empty()).map(|row| (spelled(row.keys[0]), row.label)));
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
    for row in pane.replies() {
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
