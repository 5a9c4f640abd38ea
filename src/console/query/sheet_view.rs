//! Draws what lies over the rows while something is chosen. It must not change anything.

use super::pane::Pane;
use super::sheet::{SCOPES, Scope, Sheet, WAYS, What};
use super::{shaping, text};
use crate::console::theme::{Theme, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Paragraph, Widget};
use std::path::Path;

/// What is being chosen, over the rows.
pub(super) fn draw(pane: &Pane, sheet: &Sheet, out: &mut Buffer, area: Rect, theme: Theme) {
    match sheet {
        Sheet::Words { what, words, wrong } => self::words(pane, *what, words, wrong.as_deref(), out, area, theme),
        Sheet::Columns { words, found, at } => columns(pane, words, found, *at, out, area, theme),
        Sheet::Copy { scope, at } => copy(pane, *scope, *at, out, area, theme),
    }
}

/// A box of so many lines and columns within `area`, at its bottom.
fn framed(title: &str, lines: Vec<Line<'_>>, width: u16, out: &mut Buffer, area: Rect, theme: Theme) {
    let width = width.min(area.width);
    let height = (lines.len() as u16 + 2).min(area.height);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.bottom() - height, width, height };
    Clear.render(place, out);
    let block = Block::bordered()
        .border_style(theme.style(Tone::Dim))
        .title(Line::styled(format!(" {title} "), theme.style(Tone::Strong)))
        .padding(Padding::horizontal(1));
    let within = block.inner(place);
    block.render(place, out);
    Paragraph::new(lines).render(within, out);
}

/// The end of what was typed is what matters while typing.
fn tail(words: &str, room: usize) -> String {
    let mut from = 0;
    while text::width(&words[from..], usize::MAX >> 8) > room {
        from += words[from..].chars().next().map_or(1, char::len_utf8);
    }
    text::cut(&words[from..], room).0
}

fn typed(words: &str, room: usize, theme: Theme) -> Line<'static> {
    Line::from(vec![Span::raw(tail(words, room)), Span::styled("▏", theme.style(Tone::Accent))])
}

fn words(pane: &Pane, what: What, words: &str, wrong: Option<&str>, out: &mut Buffer, area: Rect, theme: Theme) {
    let width = area.width.saturating_sub(4).clamp(20, 100);
    let room = width.saturating_sub(5) as usize;
    let (title, hints) = match what {
        What::Filter => (
            "filter the rows that were fetched".to_owned(),
            vec![
                "text · !text · ~letters in order, the best first · column = value, != < <= > >=".to_owned(),
                "column ~ text, !~ · column ~~ letters, !~~ · column is null · & joins".to_owned(),
            ],
        ),
        What::Find => {
            ("find in the rows that were fetched".to_owned(), vec!["n the next, N the one before".to_owned()])
        }
        What::Export(format) => (format!("export as {}", format.name()), export_hints(pane, words, what)),
    };
    let mut lines = vec![typed(words, room, theme)];
    match wrong {
        Some(wrong) => {
            let wrapped = text::wrap(wrong, room).into_iter();
            lines.extend(wrapped.map(|line| Line::styled(line, theme.style(Tone::Bad))));
        }
        None => {
            for hint in hints {
                for line in text::wrap(&hint, room) {
                    lines.push(Line::styled(line, theme.style(Tone::Dim)));
                }
            }
        }
    }
    framed(&title, lines, width, out, area, theme);
}

fn export_hints(pane: &Pane, words: &str, what: What) -> Vec<String> {
    let mut hints = Vec::new();
    let Some(output) = pane.output() else { return hints };
    let table = &output.table;
    let arranged = if table.arranged.is_some() { " as filtered and sorted" } else { "" };
    let rows = text::grouped(table.rows);
    hints.push(format!("{rows} rows{arranged}, all columns"));
    if let Some(why) = shaping::lacking(pane, table.id) {
        hints.push(format!("not the whole result: {why}"));
    }
    let What::Export(format) = what else { return hints };
    let parked = pane.shaping.parked.as_ref().filter(|parked| parked.fits(table, Path::new(words.trim()), format));
    if let Some(parked) = parked {
        hints.push(format!("goes on after the {} rows that are written", text::grouped(parked.part.rows)));
    }
    hints.push("Tab changes the format; ~/ is your home folder".to_owned());
    hints
}

fn columns(pane: &Pane, words: &str, found: &[usize], at: usize, out: &mut Buffer, area: Rect, theme: Theme) {
    let Some(table) = pane.table() else { return };
    let width = area.width.saturating_sub(4).clamp(20, 70);
    let room = width.saturating_sub(5) as usize;
    let height = (area.height.saturating_sub(3) as usize).clamp(1, 12);
    let first = (at + 1).saturating_sub(height);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (row, column) in found.iter().enumerate().skip(first).take(height) {
        let number = format!("{:>5}  ", column + 1);
        let (name, _) = text::cut(&table.columns[*column].name, room.saturating_sub(number.len() + 10));
        let hidden = if table.shape.shown().binary_search(column).is_err() { "  hidden" } else { "" };
        let line = Line::from(vec![
            Span::styled(if row == at { "▌" } else { " " }, theme.style(Tone::Accent)),
            Span::styled(number, theme.style(Tone::Dim)),
            Span::styled(name, theme.style(if row == at { Tone::Selected } else { Tone::Text })),
            Span::styled(hidden, theme.style(Tone::Dim)),
        ]);
        lines.push(line);
    }
    lines.push(typed(words, room, theme));
    let title =
        format!("{} of {} columns", text::grouped(found.len() as u64), text::grouped(table.columns.len() as u64));
    framed(&title, lines, width, out, area, theme);
}

fn copy(pane: &Pane, scope: Scope, at: usize, out: &mut Buffer, area: Rect, theme: Theme) {
    let Some(table) = pane.table() else { return };
    let mut spans = Vec::new();
    for (other, name) in SCOPES {
        if other == Scope::Marked && table.mark.is_none() {
            continue;
        }
        let name = match table.marked().filter(|_| other == Scope::Marked) {
            Some((rows, _)) => format!("{} marked", text::grouped(rows.end - rows.start)),
            None => name.to_owned(),
        };
        let (name, tone) =
            if other == scope { (format!("[{name}]"), Tone::Accent) } else { (format!(" {name} "), Tone::Dim) };
        spans.push(Span::styled(name, theme.style(tone)));
    }
    let mut lines = vec![Line::from(spans), Line::default()];
    for (row, (letter, _, words)) in WAYS.iter().enumerate() {
        let chosen = row == at;
        lines.push(Line::from(vec![
            Span::styled(if chosen { "▌" } else { " " }, theme.style(Tone::Accent)),
            Span::styled(format!("{letter}  "), theme.style(Tone::Accent)),
            Span::styled(*words, theme.style(if chosen { Tone::Selected } else { Tone::Text })),
        ]));
    }
    framed("copy", lines, 50, out, area, theme);
}
