//! One quiet line while a call or a row of INSERT is typed: the signature, or the columns, with what the cursor fills in
//! marked. It must not know where on the screen it is drawn.

use super::{Completion, window};
use crate::console::query::buffer::Place;
use crate::console::query::editor::Editor;
use crate::console::query::text;
use crate::console::theme::{Theme, Tone};
use crate::model::catalogue::Catalogue;
use crate::model::completion::{Filled, Signature, Written, best, filled, identifier};
use crate::model::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::ops::Range;
use std::sync::Arc;

/// Bytes before the cursor that are looked at, and behind it.
const WINDOW: (usize, usize) = (16 << 10, 4 << 10);
/// Narrower than this it would say nothing.
const NARROWEST: usize = 16;

/// What is said of the place at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::console::query) struct Hint {
    text: String,
    /// Bytes of it that are about the cursor's place.
    marked: Option<Range<usize>>,
    /// So many other functions have that name.
    others: usize,
}

/// What a hint was found for.
pub(super) type Asked = (u64, Place, usize);

/// Finds the hint for the editor's cursor, if it is not the one that is known already; none where nobody types.
pub(in crate::console::query) fn refresh(completion: &mut Completion, editor: &Editor, types: bool) {
    let asked = types.then(|| (editor.edition(), editor.cursor(), Arc::as_ptr(&completion.names).addr()));
    if completion.hinted != asked {
        completion.hint = asked.and_then(|_| find(completion, editor));
        completion.hinted = asked;
    }
}

fn find(completion: &Completion, editor: &Editor) -> Option<Hint> {
    let (names, path) = (completion.names(), completion.search_path());
    if editor.selection().is_some() {
        return None;
    }
    let (text, _, cursor) = window(editor, WINDOW.0, WINDOW.1);
    // Most keys are typed where no parenthesis is open.
    if !text[..cursor].contains('(') {
        return None;
    }
    match filled(&text, cursor)? {
        Filled::Call(call) => {
            let (signature, others) = best(&call, names, path)?;
            let marked = signature.parameter(call.at, &call.given);
            Some(Hint { text: signature.text, marked, others })
        }
        Filled::Row { table, columns, at } => {
            let signature = row(names, path, &table, columns)?;
            let marked = Some(signature.parameter(at, &[])?);
            Some(Hint { text: signature.text, marked, others: 0 })
        }
    }
}

/// The columns that a row gives, with their types where the table is known.
fn row(names: &Catalogue, path: &[String], table: &Written, columns: Option<Vec<String>>) -> Option<Signature> {
    let found = names.find(table.schema.as_deref(), &table.name, path);
    let known = found.map_or(&[][..], |at| names.columns(&names.relations()[at]));
    let spelled = |name: &str, of_type: &str| match of_type {
        "" => identifier(name),
        _ => format!("{} {of_type}", identifier(name)),
    };
    let columns: Vec<String> = match columns {
        Some(columns) => {
            let of_type = |name: &str| {
                let column = known.iter().find(|column| names.text(column.name) == name);
                column.map_or("", |column| names.text(column.of_type))
            };
            columns.iter().map(|name| spelled(name, of_type(name))).collect()
        }
        None => known.iter().map(|column| spelled(names.text(column.name), names.text(column.of_type))).collect(),
    };
    (!columns.is_empty()).then(|| Signature::of_row(&table.name, columns))
}

impl Hint {
    /// Draws it in one line, as much of it as there is room for, the marked part always; whether there was room.
    pub fn draw(&self, out: &mut Buffer, area: Rect, theme: Theme) -> bool {
        let room = usize::from(area.width).saturating_sub(2);
        if room < NARROWEST || area.height == 0 {
            return false;
        }
        let more = match self.others {
            0 => String::new(),
            others => format!("  +{others} more"),
        };
        let range = self.marked.clone().unwrap_or(0..0);
        let [mut before, marked, after] =
            [&self.text[..range.start], &self.text[range.clone()], &self.text[range.end..]]
                .map(|part| visible(part).into_owned());
        let wide = |text: &str| text::width(text, usize::from(u16::MAX));
        let room_for_text = room.saturating_sub(wide(&more));
        // What comes before the marked part gives way to it.
        let end = usize::from(!after.is_empty());
        if wide(&before) + wide(&marked) + end > room_for_text && !marked.is_empty() {
            let head = before.find('(').map_or("", |at| &before[..=at]);
            before = format!("{head}…, ");
        }
        let (before, used) = text::cut(&before, room_for_text);
        let (marked, taken) = text::cut(&marked, room_for_text - used);
        let left = room_for_text - used - taken;
        let (after, rest) = if left > 0 { text::cut(&after, left) } else { (String::new(), 0) };
        let width = (used + taken + rest + wide(&more) + 2) as u16;
        let dim = theme.style(Tone::Dim);
        let line = Line::from(vec![
            Span::styled(" ", dim),
            Span::styled(before, dim),
            Span::styled(marked, theme.style(Tone::Strong).add_modifier(Modifier::BOLD | Modifier::UNDERLINED)),
            Span::styled(after, dim),
            Span::styled(more, dim),
            Span::styled(" ", dim),
        ]);
        line.render(Rect { width: width.min(area.width), height: 1, ..area }, out);
        true
    }
}
