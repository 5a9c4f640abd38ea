//! What a word printed, and its two spellings: the aligned text and the CSV of psql. It must not know what it says.

use super::answer::Answer;
use crate::access::format::{cells, separated};
use crate::model::{Column, visible};
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// Type OID of `text`, for columns that are made here (pg_type.dat).
const TEXT: u32 = 25;

/// One table as psql prints it, or a definition in SQL.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Printed {
    /// The title.
    pub title: Option<String>,
    /// The columns; the type says how they are aligned.
    pub columns: Vec<Column>,
    /// The rows; `None` is NULL, which these words print as nothing.
    pub rows: Vec<Vec<Option<String>>>,
    /// Lines below the table; one may hold line feeds.
    pub footers: Vec<String>,
    /// Whether `(3 rows)` stands below it where nothing else does.
    pub counted: bool,
    /// Whether it is never printed a column a line: a relation's columns.
    pub stays_upright: bool,
    /// Printed as it is, whatever the format: the definition of `\sf` and `\sv`. There is no table then.
    pub text: Option<String>,
}

impl Printed {
    /// A query's answer with a title and the count of its rows.
    pub fn counted(title: impl Into<String>, answer: Answer) -> Printed {
        Printed { counted: true, ..Printed::titled(title, answer) }
    }

    /// A query's answer with a title and no count.
    pub fn titled(title: impl Into<String>, answer: Answer) -> Printed {
        Printed { title: Some(title.into()), columns: answer.columns, rows: answer.rows, ..Printed::default() }
    }

    /// Text, whole.
    pub fn text(text: String) -> Printed {
        Printed { text: Some(text), ..Printed::default() }
    }

    /// An empty table of text columns.
    pub fn table(title: impl Into<String>, columns: &[&str]) -> Printed {
        let columns = columns.iter().map(|name| text_column(name)).collect();
        Printed { title: Some(title.into()), columns, ..Printed::default() }
    }

    /// As `psql --csv` prints it: neither title nor footers, every field whole.
    pub fn csv(&self) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let mut out = Vec::new();
        separated::csv(&mut out, self.columns.iter().map(|column| Some(Cow::Borrowed(column.name.as_str()))), "");
        for row in &self.rows {
            separated::csv(&mut out, row.iter().map(|cell| cell.as_deref().map(Cow::Borrowed)), "");
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    /// As psql prints it, with the empty line that follows a table. No control character is in it but line feeds (and the
    /// tabs of a definition), and nothing that hides or reorders text: what psql would send raw is a symbol here.
    pub fn aligned(&self) -> String {
        if let Some(text) = &self.text {
            return tame(text);
        }
        let header: Vec<Vec<Cow<'_, str>>> = self.columns.iter().map(|column| cells::lines(&column.name)).collect();
        let rows: Vec<Vec<Vec<Cow<'_, str>>>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| cells::lines(cell.as_deref().unwrap_or_default())).collect())
            .collect();
        let mut widths: Vec<usize> = header.iter().map(|cell| cells::width(cell)).collect();
        for row in &rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(cells::width(cell));
            }
        }
        let numeric: Vec<bool> = self.columns.iter().map(Column::is_numeric).collect();
        let mut out = Vec::new();
        if let Some(title) = &self.title {
            let title = tame(title);
            let total = (widths.iter().sum::<usize>() + 3 * widths.len()).saturating_sub(1);
            let widest = title.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
            cells::pad(&mut out, total.saturating_sub(widest) / 2);
            out.extend_from_slice(title.as_bytes());
            out.push(b'\n');
        }
        cells::header(&mut out, &header, &widths, 1);
        cells::rule(&mut out, &widths, 1);
        for row in &rows {
            cells::row(&mut out, row, &widths, &numeric, 1);
        }
        let mut out = String::from_utf8_lossy(&out).into_owned();
        if self.counted && self.footers.is_empty() {
            let noun = if self.rows.len() == 1 { "row" } else { "rows" };
            out.push_str(&format!("({} {noun})\n", self.rows.len()));
        }
        for footer in &self.footers {
            out.push_str(&tame(footer));
            out.push('\n');
        }
        out.push('\n');
        out
    }
}

/// A column of text.
pub fn text_column(name: &str) -> Column {
    Column { name: name.to_owned(), oid: TEXT }
}

/// Lines and tabs stay; everything else is made visible.
fn tame(text: &str) -> String {
    text.split_inclusive(['\n', '\t'])
        .map(|piece| {
            let bare = piece.trim_end_matches(['\n', '\t']);
            format!("{}{}", visible(bare), &piece[bare.len()..])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Printed {
        let mut table = Printed::table("List of things", &["Name", "Size", "Note"]);
        table.columns[1].oid = 23;
        table.rows = vec![
            vec![Some("a".to_owned()), Some("7".to_owned()), Some("x\nyy".to_owned())],
            vec![Some("long name".to_owned()), None, Some("tab\there\u{1b}".to_owned())],
        ];
        table
    }

    #[test]
    fn a_table_is_psqls() {
        let mut table = sample();
        table.footers = vec!["Indexes:".to_owned(), "    \"a\"".to_owned()];
        assert_eq!(
            table.aligned(),
            concat!(
                "           List of things\n",
                "   Name    | Size |       Note       \n",
                "-----------+------+------------------\n",
                " a         |    7 | x               +\n",
                "           |      | yy\n",
                " long name |      | tab     here\\x1B\n",
                "Indexes:\n    \"a\"\n\n"
            )
        );
    }

    #[test]
    fn csv_has_neither_title_nor_footers() {
        assert_eq!(sample().csv(), "Name,Size,Note\na,7,\"x\nyy\"\nlong name,,tab\there\u{1b}\n");
    }

    #[test]
    fn a_definition_is_printed_as_it_is_but_tame() {
        let text = Printed::text("begin\n\t\u{1b}[31m\n".to_owned());
        assert_eq!(text.aligned(), "begin\n\t␛[31m\n");
    }
}
