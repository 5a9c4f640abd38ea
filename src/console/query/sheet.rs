//! What lies over the rows while something is chosen: a line of words (a filter, a text to look for, a file's name), the
//! columns, what to copy. It must not know how it is drawn ([`super::sheet_view`]) nor how anything is done.

use super::keymap::{FILL, Fill};
use super::order::Order;
use super::pane::Pane;
use super::shape::{Arrangement, Filter, Format, Needle, Plan, Shape};
use super::shaping;
use super::table::Table;
use super::update::typed;
use super::{browse, text};
use crate::console::keys::find;
use crate::model::sql::{TokenKind, tokens};
use crate::model::{Column, visible};
use crossterm::event::KeyEvent;
use std::path::PathBuf;
use std::sync::Arc;

/// What is being chosen.
#[derive(Clone, Debug)]
pub(super) enum Sheet {
    /// Words on a line.
    Words { what: What, words: String, wrong: Option<String> },
    /// A column.
    Columns { words: String, found: Vec<usize>, at: usize },
    /// What to copy, and how.
    Copy { scope: Scope, at: usize },
}

/// What words are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Filter,
    Find,
    Export(Format),
}

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Cell,
    Row,
    Column,
    Marked,
    All,
}

/// What can be copied, in the order it is offered.
pub(super) const SCOPES: [(Scope, &str); 5] = [
    (Scope::Cell, "cell"),
    (Scope::Row, "row"),
    (Scope::Column, "column"),
    (Scope::Marked, "marked"),
    (Scope::All, "all rows"),
];

/// How it can be copied, each with the letter that takes it at once; `None` is the values alone.
pub(super) const WAYS: [(char, Option<Format>, &str); 8] = [
    ('y', None, "the values alone"),
    ('t', Some(Format::Tsv), "TSV with a header, as COPY has it"),
    ('c', Some(Format::Csv), "CSV (RFC 4180)"),
    ('j', Some(Format::Json), "JSON, an array of objects"),
    ('l', Some(Format::Jsonl), "JSON lines"),
    ('m', Some(Format::Markdown), "Markdown"),
    ('i', Some(Format::Insert), "INSERT statements"),
    ('a', Some(Format::Table), "an aligned table"),
];

impl Sheet {
    pub(super) fn filter(arrangement: &Arrangement) -> Sheet {
        let words = arrangement.filter.as_ref().map_or("", Filter::words).to_owned();
        Sheet::Words { what: What::Filter, words, wrong: None }
    }

    pub(super) fn find() -> Sheet {
        Sheet::Words { what: What::Find, words: String::new(), wrong: None }
    }

    pub(super) fn columns(table: &Table) -> Sheet {
        let found: Vec<usize> = (0..table.columns.len()).collect();
        Sheet::Columns { words: String::new(), found, at: table.column }
    }

    pub(super) fn copy(table: &Table) -> Sheet {
        Sheet::Copy { scope: if table.mark.is_some() { Scope::Marked } else { Scope::Cell }, at: 0 }
    }

    /// Where to export to: where an export of these rows was stopped, else a file named after the relation.
    pub(super) fn export(pane: &Pane) -> Option<Sheet> {
        let output = pane.output()?;
        let stopped = pane.shaping.parked.as_ref().filter(|parked| parked.result == output.table.id);
        let (words, format) = match stopped {
            Some(parked) => (parked.plan.path.display().to_string(), parked.plan.format),
            None => {
                let name = output.relation.as_deref().unwrap_or("result");
                let plain = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
                (format!("{}.csv", name.chars().filter(plain).collect::<String>()), Format::Csv)
            }
        };
        Some(Sheet::Words { what: What::Export(format), words, wrong: None })
    }

    /// Pasted words are one line.
    pub(super) fn paste(&mut self, pasted: &str) {
        let more: String = pasted.chars().filter(|c| !c.is_control()).take(4096).collect();
        match self {
            Sheet::Words { words, wrong, .. } => {
                words.push_str(&more);
                *wrong = None;
            }
            Sheet::Columns { words, .. } => words.push_str(&more),
            Sheet::Copy { .. } => {}
        }
    }
}

/// A key while something is chosen.
pub(super) fn key(pane: &mut Pane, key: &KeyEvent, orders: &mut Vec<Order>) {
    let marked = pane.table().is_some_and(|table| table.mark.is_some());
    let columns = pane.table().map(|table| Arc::clone(&table.columns)).unwrap_or_default();
    let Some(sheet) = &mut pane.shaping.sheet else { return };
    match (find(FILL, key), sheet) {
        (Some(Fill::Shut), _) => pane.shaping.sheet = None,
        (Some(Fill::Take), _) => take(pane, orders),
        (Some(Fill::Up), Sheet::Columns { at, .. } | Sheet::Copy { at, .. }) => *at = at.saturating_sub(1),
        (Some(Fill::Down), Sheet::Columns { found, at, .. }) => *at = (*at + 1).min(found.len().saturating_sub(1)),
        (Some(Fill::Down), Sheet::Copy { at, .. }) => *at = (*at + 1).min(WAYS.len() - 1),
        (Some(way @ (Fill::Left | Fill::Right)), Sheet::Copy { scope, .. }) => {
            let offered: Vec<Scope> =
                SCOPES.iter().map(|(scope, _)| *scope).filter(|scope| marked || *scope != Scope::Marked).collect();
            *scope = neighbour(&offered, *scope, way);
        }
        (Some(way @ (Fill::Left | Fill::Right)), Sheet::Words { what: What::Export(format), words, wrong }) => {
            let next = neighbour(&Format::ALL, *format, way);
            if let Some(stem) = words.strip_suffix(&format!(".{}", format.extension())) {
                *words = format!("{stem}.{}", next.extension());
            }
            (*format, *wrong) = (next, None);
        }
        (Some(Fill::Erase), Sheet::Words { words, wrong, .. }) => {
            words.pop();
            *wrong = None;
        }
        (Some(Fill::Clear), Sheet::Words { words, wrong, .. }) => {
            words.clear();
            *wrong = None;
        }
        (Some(Fill::Erase), Sheet::Columns { words, found, at }) => {
            words.pop();
            (*found, *at) = (names(&columns, words), 0);
        }
        (Some(Fill::Clear), Sheet::Columns { words, found, at }) => {
            words.clear();
            (*found, *at) = (names(&columns, words), 0);
        }
        (Some(_), _) => {}
        (None, sheet) => {
            let Some(c) = typed(key) else { return };
            match sheet {
                Sheet::Words { words, wrong, .. } => {
                    words.push(c);
                    *wrong = None;
                }
                Sheet::Columns { words, found, at } => {
                    words.push(c);
                    (*found, *at) = (names(&columns, words), 0);
                }
                Sheet::Copy { at, .. } => {
                    if let Some(way) = WAYS.iter().position(|(letter, ..)| *letter == c) {
                        *at = way;
                        take(pane, orders);
                    }
                }
            }
        }
    }
}

fn neighbour<T: Copy + PartialEq>(all: &[T], now: T, way: Fill) -> T {
    let at = all.iter().position(|one| *one == now).unwrap_or(0);
    let step = if way == Fill::Right { 1 } else { all.len() - 1 };
    all[(at + step) % all.len()]
}

/// Columns whose names have the letters of `words` in order; names that begin with them, then names that have them in one
/// piece, come first.
fn names(columns: &[Column], words: &str) -> Vec<usize> {
    let words = words.to_lowercase();
    let mut found: Vec<(u8, usize)> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let name = column.name.to_lowercase();
        let mut letters = name.chars();
        let rank = match () {
            () if name.starts_with(&words) => 0,
            () if name.contains(&words) => 1,
            () if words.chars().all(|wanted| letters.any(|letter| letter == wanted)) => 2,
            () => continue,
        };
        found.push((rank, at));
    }
    found.sort_unstable();
    found.into_iter().map(|(_, at)| at).collect()
}

fn take(pane: &mut Pane, orders: &mut Vec<Order>) {
    let Some(sheet) = pane.shaping.sheet.take() else { return };
    let Some(table) = pane.table_mut() else { return };
    let result = table.id;
    match sheet {
        Sheet::Columns { found, at, .. } => {
            if let Some(column) = found.get(at) {
                if !table.shape.shown().contains(column) {
                    table.shape.show_all();
                }
                table.column = *column;
            }
        }
        Sheet::Words { what: What::Find, words, .. } => {
            if !words.is_empty() {
                pane.shaping.needle = Some(Needle::new(&words));
            }
            shaping::find(pane, true, orders);
        }
        Sheet::Words { what: What::Filter, words, .. } => match Filter::parse(&words, &table.columns) {
            Ok(filter) => {
                let now = shaping::wanted(pane);
                let arrangement = Arrangement { filter, ..now.clone() };
                if arrangement != now {
                    shaping::arrange(pane, arrangement, orders);
                }
            }
            Err(unclear) => {
                let wrong = Some(visible(&unclear.to_string()).into_owned());
                pane.shaping.sheet = Some(Sheet::Words { what: What::Filter, words, wrong });
            }
        },
        Sheet::Words { what: What::Export(format), words, .. } => {
            if words.trim().is_empty() || words.ends_with('/') {
                let wrong = Some("a file's name is needed".to_owned());
                pane.shaping.sheet = Some(Sheet::Words { what: What::Export(format), words, wrong });
                return;
            }
            let path = PathBuf::from(words.trim());
            let outputs = &pane.outputs;
            let goes_on = pane.shaping.parked.take_if(|parked| {
                outputs.iter().any(|output| output.table.id == result && parked.fits(&output.table, &path, format))
            });
            let shape = match goes_on {
                Some(parked) => Shape::Export { result, plan: parked.plan, resume: Some(parked.part) },
                None => {
                    let table = pane.output().and_then(|output| output.relation.clone());
                    let plan = Plan { path, format, null: None, table, overwrite: false };
                    Shape::Export { result, plan, resume: None }
                }
            };
            shaping::ask(pane, shape, orders);
        }
        Sheet::Copy { scope, at } => copy(pane, scope, WAYS[at.min(WAYS.len() - 1)].1, orders),
    }
}

fn copy(pane: &mut Pane, scope: Scope, way: Option<Format>, orders: &mut Vec<Order>) {
    if (scope, way) == (Scope::Cell, None) {
        return browse::copy_cell(pane, orders);
    }
    let relation = pane.output().and_then(|output| output.relation.clone());
    let Some(table) = pane.table() else { return };
    let here = table.row..table.row + 1;
    let one: Option<Arc<[usize]>> = Some([table.column].into());
    let (rows, columns) = match scope {
        Scope::Cell => (here, one),
        Scope::Row => (here, None),
        Scope::Column => (0..u64::MAX, one),
        Scope::All => (0..u64::MAX, None),
        Scope::Marked => match table.marked() {
            Some((rows, columns)) => (rows, columns.map(Into::into)),
            None => return,
        },
    };
    let (format, bare) = (way.unwrap_or(Format::Tsv), way.is_none());
    let shape = Shape::Copy { result: table.id, rows, columns, format, bare, table: relation };
    shaping::ask(pane, shape, orders);
}

/// What INSERT statements of a query's rows go into: the first relation after FROM, as the query spells it.
pub(super) fn relation(sql: &str) -> Option<String> {
    let sql = &sql[..sql.floor_char_boundary(20_000)];
    let mut found: Option<String> = None;
    let mut dotted = false;
    for token in tokens(sql) {
        let words = token.of(sql);
        match (token.kind, &mut found) {
            (TokenKind::Space | TokenKind::Comment, _) => {}
            (_, None) if words.eq_ignore_ascii_case("from") => found = Some(String::new()),
            (_, None) => {}
            (TokenKind::Identifier | TokenKind::QuotedIdentifier | TokenKind::Keyword, Some(name))
                if (name.is_empty() && !words.eq_ignore_ascii_case("only")) || dotted =>
            {
                name.push_str(words);
                dotted = false;
            }
            (TokenKind::Keyword, Some(name)) if name.is_empty() => {}
            (_, Some(name)) if words == "." && !name.is_empty() => {
                name.push('.');
                dotted = true;
            }
            // A function in FROM gives rows that are of no relation.
            (_, Some(_)) if words == "(" => return None,
            _ => break,
        }
    }
    found.filter(|name| !name.is_empty() && text::width(name, 200) < 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relation_is_found_as_it_is_spelled() {
        for (sql, expected) in [
            ("select * from orders;", Some("orders")),
            ("select a from /* x */ shop.\"Order Items\" i where b", Some("shop.\"Order Items\"")),
            ("select * from only events", Some("events")),
            ("select 1", None),
            ("select * from generate_series(1, 3)", None),
            ("select * from (select 1) x", None),
            ("select 'from x'", None),
        ] {
            assert_eq!(relation(sql).as_deref(), expected, "{sql}");
        }
    }

    #[test]
    fn columns_are_found_by_parts_of_their_names() {
        let columns: Vec<Column> = ["updated_at", "id", "placed_at", "Paid", "at"]
            .iter()
            .map(|name| Column { name: (*name).to_owned(), oid: 25 })
            .collect();
        assert_eq!(names(&columns, "at"), [4, 0, 2]);
        assert_eq!(names(&columns, "pd"), [0, 2, 3]);
        assert_eq!(names(&columns, ""), [0, 1, 2, 3, 4]);
        assert_eq!(names(&columns, "zz"), Vec::<usize>::new());
    }
}
