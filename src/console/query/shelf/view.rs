//! Draws saved queries: the list with a look at the selected one, and where one is named. It must not change anything.

use super::{List, Naming, Shelf};
use crate::console::query::text;
use crate::console::theme::{Theme, Tone};
use crate::model::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Draws it over `area`.
pub(in crate::console::query) fn draw(shelf: &Shelf, target: &str, out: &mut Buffer, area: Rect, theme: Theme) {
    Clear.render(area, out);
    if area.height < 6 || area.width < 20 {
        return;
    }
    match shelf {
        Shelf::List(None) => {
            line(out, area, 1, Line::styled("  saved queries are being read …", theme.style(Tone::Dim)))
        }
        Shelf::List(Some(list)) => self::list(list, out, area, theme),
        Shelf::Naming(naming) => self::naming(naming, target, out, area, theme),
    }
}

fn line(out: &mut Buffer, area: Rect, row: u16, line: Line<'_>) {
    if row < area.height {
        line.render(Rect { y: area.y + row, height: 1, ..area }, out);
    }
}

/// The text, as far as it fits.
fn look(words: &str, out: &mut Buffer, area: Rect, theme: Theme) {
    for (row, words) in words.lines().take(area.height as usize).enumerate() {
        let words = words.replace('\t', "    ");
        let words = text::cut(&words, (area.width as usize).saturating_sub(3)).0;
        line(out, area, row as u16, Line::styled(format!("  {words}"), theme.style(Tone::Text)));
    }
}

fn list(list: &List, out: &mut Buffer, area: Rect, theme: Theme) {
    let dim = theme.style(Tone::Dim);
    let rows = (area.height - 2) / 2;
    line(
        out,
        area,
        0,
        Line::from(vec![
            Span::styled(" saved queries  ", theme.style(Tone::Strong)),
            Span::styled("search ", theme.style(Tone::Accent)),
            Span::raw(text::cut(&list.words, area.width as usize / 2).0),
            Span::styled("▏", theme.style(Tone::Accent)),
            Span::styled(format!("  {} found", list.found.len()), dim),
        ]),
    );
    if list.all.is_empty() {
        line(out, area, 2, Line::styled("  none yet: Ctrl-S in the editor saves one", dim));
        return;
    }
    let top = (list.at + 1).saturating_sub(rows as usize);
    for (row, at) in (top..list.found.len()).take(rows as usize).enumerate() {
        let saved = &list.all[list.found[at]];
        let place = Rect { y: area.y + 1 + row as u16, height: 1, ..area };
        let reach = if saved.here { "" } else { "everywhere " };
        let room = (area.width as usize).saturating_sub(6 + reach.len());
        let (name, used) = text::cut(&saved.name, room);
        let about = text::cut(&saved.about, room.saturating_sub(used + 3)).0;
        Line::from(vec![
            Span::styled(if at == list.at { "▌ " } else { "  " }, theme.style(Tone::Accent)),
            Span::raw(name),
            Span::styled(if about.is_empty() { String::new() } else { format!("  {about}") }, dim),
        ])
        .render(place, out);
        let wide = reach.len() as u16;
        Line::styled(reach, dim).render(Rect { x: place.right() - wide, width: wide, ..place }, out);
        if at == list.at {
            out.set_style(place, theme.style(Tone::Selected));
        }
    }
    line(out, area, rows + 1, Line::styled("─".repeat(area.width as usize), dim));
    if let Some(saved) = list.selected() {
        let below = Rect { y: area.y + rows + 2, height: area.height - rows - 2, ..area };
        look(&saved.text, out, below, theme);
    }
}

fn naming(naming: &Naming, target: &str, out: &mut Buffer, area: Rect, theme: Theme) {
    let dim = theme.style(Tone::Dim);
    let title = if naming.before.is_some() { " rename a saved query" } else { " save the query" };
    line(out, area, 0, Line::styled(title, theme.style(Tone::Strong)));
    let fields = [("name", &naming.saved.name, !naming.about), ("about", &naming.saved.about, naming.about)];
    for (row, (label, value, typed)) in fields.into_iter().enumerate() {
        let mut spans = vec![
            Span::styled(format!("  {label:<7}"), if typed { theme.style(Tone::Accent) } else { dim }),
            Span::raw(text::cut(value, (area.width as usize).saturating_sub(14)).0),
        ];
        if typed {
            spans.push(Span::styled("▏", theme.style(Tone::Accent)));
        }
        line(out, area, 2 + row as u16, Line::from(spans));
    }
    let reach = if naming.saved.here { format!("on {} alone", visible(target)) } else { "on all targets".to_owned() };
    line(out, area, 4, Line::from(vec![Span::styled("  for    ", dim), Span::raw(reach)]));
    line(out, area, 5, Line::styled("─".repeat(area.width as usize), dim));
    look(&naming.saved.text, out, Rect { y: area.y + 6, height: area.height - 6, ..area }, theme);
}
