//! The fleet as a table: aligned, and on a terminal fitted to it by leaving out what matters least. It must not decide
//! what is listed.

use crate::cli::Terminal;
use crate::model::{Database, DatabaseKind, visible};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// A column: its heading, what it shows, and how soon it is left out (0 is never, higher is sooner).
struct Column {
    heading: &'static str,
    cell: fn(&Database) -> String,
    rank: u8,
}

const COLUMNS: &[Column] = &[
    Column { heading: "NAME", cell: name, rank: 0 },
    Column { heading: "ROLE", cell: |database| database.role.name().to_owned(), rank: 2 },
    Column { heading: "ENGINE", cell: engine, rank: 1 },
    Column { heading: "STATUS", cell: |database| database.status.clone(), rank: 1 },
    Column { heading: "IAM", cell: |database| database.iam.name().to_owned(), rank: 3 },
    Column { heading: "RESOURCE ID", cell: |database| database.resource_id.clone(), rank: 6 },
    Column { heading: "REGION", cell: |database| database.place.region.clone(), rank: 4 },
    Column { heading: "PROFILE", cell: |database| database.place.profile.clone().unwrap_or_default(), rank: 5 },
    Column { heading: "ENDPOINTS", cell: endpoints, rank: 7 },
];

const GAP: usize = 2;
/// Columns for engine and version where there is little room.
const ENGINE: usize = 20;

/// Writes it. Without a terminal every column is there, whole.
pub fn write(out: &mut impl Write, databases: &[Database], terminal: &Terminal) -> io::Result<()> {
    let profiles = databases.iter().any(|database| database.place.profile.is_some());
    let mut columns: Vec<&Column> = COLUMNS.iter().filter(|column| profiles || column.heading != "PROFILE").collect();
    let mut cells: Vec<Vec<String>> = databases
        .iter()
        .map(|database| columns.iter().map(|column| visible(&(column.cell)(database)).into_owned()).collect())
        .collect();
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|at| cells.iter().map(|row| row[at].width()).chain([columns[at].heading.len()]).max().unwrap_or(0))
        .collect();
    if let Some(room) = terminal.width {
        // A version may be as long as `19.0.0.0.ru-2025-07.rur-2025-07.r1`; its end is worth less than a column.
        if total(&widths) > room
            && let Some(engine) = columns.iter().position(|column| column.heading == "ENGINE")
        {
            widths[engine] = widths[engine].min(ENGINE);
        }
        while total(&widths) > room {
            let sooner = (0..columns.len()).max_by_key(|at| (columns[*at].rank, *at)).unwrap_or(0);
            if columns[sooner].rank == 0 {
                break;
            }
            // The endpoints' host names say enough while half of them is there; anything else is whole or not at all.
            let left = room.saturating_sub(total(&widths) - widths[sooner]);
            if columns[sooner].heading == "ENDPOINTS" && left >= 30 {
                widths[sooner] = left;
                break;
            }
            columns.remove(sooner);
            widths.remove(sooner);
            for row in &mut cells {
                row.remove(sooner);
            }
        }
        if let [only] = widths.as_mut_slice() {
            *only = (*only).min(room.max(1));
        }
    }
    let color = terminal.color_on_stdout();
    let headings: Vec<String> = columns.iter().map(|column| column.heading.to_owned()).collect();
    line(out, &headings, &widths, if color { "\x1b[2m" } else { "" })?;
    for (row, database) in cells.iter().zip(databases) {
        let style = match database.status.as_str() {
            "available" if database.cluster.is_none() => "",
            _ => "\x1b[2m",
        };
        line(out, row, &widths, if color { style } else { "" })?;
    }
    Ok(())
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn line(out: &mut impl Write, cells: &[String], widths: &[usize], style: &str) -> io::Result<()> {
    let mut text = String::new();
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let cell = cut(cell, *width);
        text.push_str(&cell);
        if at + 1 < cells.len() {
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + GAP));
        }
    }
    let off = if style.is_empty() { "" } else { "\x1b[0m" };
    writeln!(out, "{style}{}{off}", text.trim_end())
}

/// At most `width` columns, with an ellipsis where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        if cut.width() + unicode_width::UnicodeWidthChar::width(c).unwrap_or(0) >= width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

fn name(database: &Database) -> String {
    // A member stands under its cluster.
    let indent = if database.cluster.is_some() { "  " } else { "" };
    format!("{indent}{}", database.identifier)
}

fn engine(database: &Database) -> String {
    let engine = match database.kind {
        DatabaseKind::Proxy => database.engine.name(),
        _ => database.engine.short(),
    };
    format!("{engine} {}", database.engine_version).trim_end().to_owned()
}

fn endpoints(database: &Database) -> String {
    database.endpoints.iter().map(|endpoint| endpoint.address()).collect::<Vec<_>>().join(" ")
}
