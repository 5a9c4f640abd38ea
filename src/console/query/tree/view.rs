//! Draws the tree: the rows in sight, what they are, how large. It must not change anything.

use super::{Group, Known, Limb, Node, Row, Tree};
use crate::console::query::pane::Pane;
use crate::console::query::text;
use crate::console::theme::{Theme, Tone};
use crate::model::catalogue::RelationKind;
use crate::model::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Draws it in `area`: a heading, the rows, and the filter in the last line while there is one.
pub(in crate::console::query) fn draw(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    let tree = &pane.tree;
    Clear.render(area, out);
    if area.height < 2 || area.width < 12 {
        return;
    }
    let head = if tree.focused { Tone::Strong } else { Tone::Dim };
    Line::styled("─".repeat(area.width as usize), theme.style(Tone::Dim)).render(Rect { height: 1, ..area }, out);
    let title = format!(" catalogue of {} ", visible(&pane.setup.database));
    Line::styled(text::cut(&title, area.width as usize - 2).0, theme.style(head))
        .render(Rect { x: area.x + 1, width: area.width - 1, height: 1, ..area }, out);
    let state = match (&tree.unmeasured, tree.measuring) {
        (Some(_), _) => " sizes not to be had ",
        (None, true) => " sizes … ",
        (None, false) => "",
    };
    let wide = text::width(state, 99) as u16;
    if usize::from(wide) + text::width(&title, 999) + 2 < usize::from(area.width) {
        let place = Rect { x: area.right() - wide, width: wide, height: 1, ..area };
        Line::styled(state, theme.style(Tone::Dim)).render(place, out);
    }
    let filtering = tree.filters();
    let body = Rect { y: area.y + 1, height: area.height - 1 - u16::from(filtering), ..area };
    if tree.rows().is_empty() {
        let words = match (filtering, &pane.completion.failed) {
            (true, _) => "no name fits".to_owned(),
            (false, Some(why)) => format!("names could not be loaded: {}", visible(why)),
            (false, None) => "names are being loaded …".to_owned(),
        };
        let words = text::cut(&words, area.width as usize - 2).0;
        Line::styled(format!("  {words}"), theme.style(Tone::Dim)).render(Rect { height: 1, ..body }, out);
    }
    for (at, row) in tree.rows().iter().enumerate().skip(tree.top).take(body.height as usize) {
        let line = Rect { y: body.y + (at - tree.top) as u16, height: 1, ..body };
        self::row(tree, row, out, line, theme);
        if at == tree.at && tree.focused {
            out.set_style(line, theme.style(Tone::Selected));
            out.set_string(line.x, line.y, "▌", theme.style(Tone::Accent));
        }
    }
    if filtering {
        let names = tree.rows().iter().filter(|row| !matches!(row.node, Node::Schema(_) | Node::Group(..))).count();
        let mut spans = vec![
            Span::styled(" / ", theme.style(Tone::Accent)),
            Span::raw(text::cut(&tree.filter, area.width as usize / 2).0),
        ];
        if tree.sifting {
            spans.push(Span::styled("▏", theme.style(Tone::Accent)));
        }
        spans.push(Span::styled(format!("  {} fit", text::grouped(names as u64)), theme.style(Tone::Dim)));
        Line::from(spans).render(Rect { y: area.bottom() - 1, height: 1, ..area }, out);
    }
}

fn row(tree: &Tree, row: &Row, out: &mut Buffer, area: Rect, theme: Theme) {
    let indent = usize::from(row.depth.min(12)) * 2;
    let mark = match (Tree::folds(row.node), tree.is_open(row.node)) {
        (false, _) => "  ",
        (true, true) => "▾ ",
        (true, false) => "▸ ",
    };
    let (name, about, tone) = words(tree, row.node);
    let facts = facts(tree, row.node);
    let room = (area.width as usize).saturating_sub(2 + indent + 2);
    let facts_room = text::width(&facts, 99);
    let (name, used) = text::cut(&name, room);
    let mut spans = vec![
        Span::raw(" ".repeat(1 + indent)),
        Span::styled(mark, theme.style(Tone::Dim)),
        Span::styled(name, theme.style(tone)),
    ];
    let left = room.saturating_sub(used + 2 + if facts_room > 0 { facts_room + 1 } else { 0 });
    if !about.is_empty() && left > 3 {
        spans.push(Span::styled(format!("  {}", text::cut(&about, left).0), theme.style(Tone::Dim)));
    }
    Line::from(spans).render(area, out);
    if facts_room > 0 && used + facts_room < room {
        let wide = facts_room as u16 + 1;
        let place = Rect { x: area.right() - wide, width: wide, ..area };
        Line::styled(format!("{facts} "), theme.style(Tone::Dim)).render(place, out);
    }
}

/// Name, what it is, and its tone.
fn words(tree: &Tree, node: Node) -> (String, String, Tone) {
    let catalogue = &tree.index.catalogue;
    let plain = |name| visible(catalogue.text(name)).into_owned();
    match node {
        Node::Schema(at) => {
            let schema = &tree.index.schemas[at as usize];
            let count = schema.relations.len();
            let about = if count == 0 { String::new() } else { text::grouped(count as u64) };
            (plain(schema.name), about, Tone::Strong)
        }
        Node::Relation(at) => {
            let relation = &catalogue.relations()[at as usize];
            let about = match relation.kind {
                RelationKind::Table | RelationKind::Sequence => "",
                kind => kind.word(),
            };
            let about = match tree.parts.get(&at) {
                Some(Known::Asked) => "…".to_owned(),
                Some(Known::Failed(why)) => visible(why).into_owned(),
                _ => about.to_owned(),
            };
            (plain(relation.name), about, Tone::Text)
        }
        Node::Group(at, group) => {
            let schema = &tree.index.schemas[at as usize];
            let (name, count) = match group {
                Group::Sequences => ("sequences", schema.sequences.len()),
                Group::Functions => ("functions", schema.functions.len()),
                Group::Types => ("types", schema.types.len()),
            };
            (name.to_owned(), text::grouped(count as u64), Tone::Dim)
        }
        Node::Limb(at, limb) => {
            let name = match limb {
                Limb::Columns => "columns",
                Limb::Indexes => "indexes",
                Limb::Constraints => "constraints",
                Limb::Triggers => "triggers",
                Limb::Partitions => "partitions",
            };
            let count = tree.count(at, limb).map_or_else(|| "…".to_owned(), |count| text::grouped(count as u64));
            (name.to_owned(), count, Tone::Dim)
        }
        Node::Part(at, limb, part) => {
            let (name, about) = tree.part(at, limb, part).unwrap_or_default();
            (visible(name).into_owned(), visible(about).into_owned(), Tone::Text)
        }
        Node::Function(at) => {
            let function = &catalogue.functions()[at as usize];
            let result = match function.is_procedure {
                true => "procedure".to_owned(),
                false => format!("→ {}", plain(function.result)),
            };
            (format!("{}({})", plain(function.name), plain(function.arguments)), result, Tone::Text)
        }
        Node::Type(at) => {
            let of_type = &catalogue.types()[at as usize];
            let labels: Vec<String> = catalogue.labels(of_type).iter().take(20).map(|label| plain(*label)).collect();
            (plain(of_type.name), labels.join(", "), Tone::Text)
        }
        Node::Extensions => ("extensions".to_owned(), catalogue.extensions().len().to_string(), Tone::Strong),
        Node::Extension(at) => (plain(catalogue.extensions()[at as usize]), String::new(), Tone::Text),
    }
}

/// `~1.2 M  340 MB`: rows are the planner's estimate.
fn facts(tree: &Tree, node: Node) -> String {
    let Node::Relation(at) = node else { return String::new() };
    let Some(extent) = tree.index.extents.get(&at) else { return String::new() };
    let rows = extent.rows.map(|rows| format!("~{}", short(rows))).unwrap_or_default();
    let bytes = extent.bytes.map(text::size).unwrap_or_default();
    match rows.is_empty() {
        true => bytes,
        false => format!("{rows} {bytes:>9}"),
    }
}

fn short(rows: u64) -> String {
    match rows {
        0..10_000 => text::grouped(rows),
        10_000..1_000_000 => format!("{} k", rows / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} M", rows as f64 / 1e6),
        _ => format!("{:.1} G", rows as f64 / 1e9),
    }
}
