//! Rows to bytes, in one of the formats: what `query --format` prints, the console copies and an export holds. It must not
//! know where the bytes go.

mod aligned;
pub mod cells;
mod insert;
pub(crate) mod json;
mod markdown;
pub(crate) mod separated;

use crate::model::{Column, Page, visible};
use aligned::Aligned;
use insert::Insert;
use std::borrow::Cow;

/// How rows are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned, as psql does; widths come from the first rows
    #[default]
    Table,
    /// Comma separated (RFC 4180), with a header, as psql --csv
    Csv,
    /// Tab separated, with a header; tab, newline and backslash are escaped and NULL is \N, as COPY does
    Tsv,
    /// An array of objects for each result, values typed as PostgreSQL's to_json does
    Json,
    /// An object a line
    Jsonl,
    /// A table for a document
    Markdown,
    /// An INSERT statement a row
    Insert,
}

impl Format {
    /// All of them, in the order they are offered.
    pub const ALL: [Format; 7] =
        [Format::Table, Format::Csv, Format::Tsv, Format::Json, Format::Jsonl, Format::Markdown, Format::Insert];

    /// As `--format` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Markdown => "markdown",
            Format::Insert => "insert",
        }
    }

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Format::Table => "Aligned, as psql does; widths come from the first rows",
            Format::Csv => "Comma separated (RFC 4180), with a header, as psql --csv",
            Format::Tsv => {
                "Tab separated, with a header; tab, newline and backslash are escaped and NULL is \\N, as COPY does"
            }
            Format::Json => "An array of objects for each result, values typed as PostgreSQL's to_json does",
            Format::Jsonl => "An object a line",
            Format::Markdown => "A table for a document",
            Format::Insert => "An INSERT statement a row",
        }
    }

    /// How files of it are called, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Table => "txt",
            Format::Markdown => "md",
            Format::Insert => "sql",
            other => other.name(),
        }
    }
}

/// Prints results one after another.
pub struct Writer {
    format: Format,
    null: String,
    /// Whether a terminal reads: no control character may reach it.
    tame: bool,
    columns: Vec<Column>,
    /// Names as JSON strings, made unique.
    keys: Vec<String>,
    rows: u64,
    aligned: Option<Aligned>,
    /// What INSERT statements name.
    table: String,
    insert: Insert,
    /// The beginning of a character of COPY data whose rest has not come yet; for terminals only.
    begun: Vec<u8>,
}

impl Writer {
    /// A writer; `null` is what stands for NULL, `terminal` whether a terminal reads.
    pub fn new(format: Format, null: Option<String>, terminal: bool) -> Writer {
        let usual = match format {
            Format::Tsv => "\\N",
            Format::Markdown => "*NULL*",
            _ => "",
        };
        let null = null.unwrap_or_else(|| usual.to_owned());
        Writer {
            format,
            null,
            tame: terminal,
            columns: Vec::new(),
            keys: Vec::new(),
            rows: 0,
            aligned: None,
            table: insert::TABLE.to_owned(),
            insert: Insert::default(),
            begun: Vec::new(),
        }
    }

    /// INSERT statements name this table; it is put as it is, so an identifier is quoted where it must be.
    pub fn into_table(mut self, table: &str) -> Writer {
        self.table = table.to_owned();
        self
    }

    /// Rows given that are not in the bytes yet: an aligned table is measured first.
    pub fn held(&self) -> u64 {
        self.aligned.as_ref().map_or(0, Aligned::held)
    }

    /// COPY data, as it is; for a terminal everything but line ends and tabs made visible.
    pub fn copy(&mut self, out: &mut Vec<u8>, data: &[u8]) {
        if !self.tame {
            out.extend_from_slice(data);
            return;
        }
        self.begun.extend_from_slice(data);
        // Pieces are cut anywhere, also within a character: of at most three bytes the fourth may be on its way.
        let whole = match self.begun.utf8_chunks().last() {
            Some(last) if is_beginning(last.invalid()) => self.begun.len() - last.invalid().len(),
            _ => self.begun.len(),
        };
        let rest = self.begun.split_off(whole);
        tamed(out, &std::mem::replace(&mut self.begun, rest));
    }

    /// The COPY data has ended.
    pub fn copied(&mut self, out: &mut Vec<u8>) {
        tamed(out, &std::mem::take(&mut self.begun));
    }

    /// A result begins.
    pub fn columns(&mut self, out: &mut Vec<u8>, columns: Vec<Column>) {
        self.rows = 0;
        match self.format {
            Format::Table => self.aligned = Some(Aligned::new(&columns, self.null.clone())),
            Format::Csv => separated::csv(out, columns.iter().map(|column| Some(self.cell(&column.name))), ""),
            Format::Tsv => separated::tsv(out, columns.iter().map(|column| Some(column.name.as_str())), "", self.tame),
            Format::Json | Format::Jsonl => self.keys = json::keys(&columns),
            Format::Markdown => markdown::header(out, &columns),
            Format::Insert => self.insert = Insert::new(&self.table, &columns, self.tame),
        }
        self.columns = columns;
    }

    /// Rows of it.
    pub fn rows(&mut self, out: &mut Vec<u8>, page: Page) {
        if let Some(aligned) = &mut self.aligned {
            return aligned.rows(out, page);
        }
        // A row without columns is nothing in CSV, as psql has it, and an empty line is nothing in the others either.
        if page.columns() == 0 && !matches!(self.format, Format::Json | Format::Jsonl | Format::Insert) {
            return;
        }
        for row in 0..page.rows() {
            let cells = page.row(row);
            match self.format {
                Format::Table => {}
                Format::Csv => {
                    separated::csv(out, cells.map(|cell| cell.map(|cell| self.cell(cell))), &self.cell(&self.null))
                }
                Format::Tsv => separated::tsv(out, cells, &self.null, self.tame),
                Format::Json => {
                    out.extend_from_slice(if self.rows == 0 { b"[\n" } else { b",\n" });
                    json::object(out, &self.keys, &self.columns, cells);
                }
                Format::Jsonl => {
                    json::object(out, &self.keys, &self.columns, cells);
                    out.push(b'\n');
                }
                Format::Markdown => markdown::row(out, cells, &self.null),
                Format::Insert => self.insert.row(out, cells),
            }
            self.rows += 1;
        }
    }

    /// It is complete; `rows` is what the server counted.
    pub fn finish(&mut self, out: &mut Vec<u8>, rows: u64) {
        if let Some(aligned) = self.aligned.take() {
            aligned.finish(out, rows);
        }
        match self.format {
            Format::Json if self.rows == 0 => out.extend_from_slice(b"[]\n"),
            Format::Json => out.extend_from_slice(b"\n]\n"),
            Format::Markdown => out.push(b'\n'),
            _ => {}
        }
    }

    /// It failed on the way: what there is is shown, and nothing claims to be complete.
    pub fn abandon(&mut self, out: &mut Vec<u8>) {
        if let Some(aligned) = self.aligned.take() {
            aligned.abandon(out);
        }
        if self.format == Format::Json && self.rows > 0 {
            out.push(b'\n');
        }
    }

    fn cell<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.tame { visible(text) } else { Cow::Borrowed(text) }
    }
}

/// Whether these bytes, which are no character, are the beginning of one.
fn is_beginning(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => false,
        // No length: more bytes could make it valid.
        Err(error) => error.error_len().is_none(),
    }
}

fn tamed(out: &mut Vec<u8>, bytes: &[u8]) {
    for piece in String::from_utf8_lossy(bytes).split_inclusive(['\n', '\t']) {
        let text = piece.trim_end_matches(['\n', '\t']);
        out.extend_from_slice(visible(text).as_bytes());
        out.extend_from_slice(&piece.as_bytes()[text.len()..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PageBuilder;

    fn column(name: &str, oid: u32) -> Column {
        Column { name: name.to_owned(), oid }
    }

    /// int4, text, numeric, jsonb, bool.
    fn sample(format: Format, null: Option<&str>, terminal: bool) -> String {
        let mut writer = Writer::new(format, null.map(str::to_owned), terminal);
        let mut out = Vec::new();
        let columns =
            vec![column("id", 23), column("na\"me", 25), column("price", 1700), column("doc", 3802), column("id", 16)];
        writer.columns(&mut out, columns);
        let mut page = PageBuilder::new(5);
        page.push([Some("1"), Some("plain"), Some("12.50"), Some("{\"a\": [1, 2]}"), Some("t")]);
        page.push([Some("22"), Some("a,b\n\"c\"\t|\\"), Some("NaN"), None, Some("f")]);
        writer.rows(&mut out, page.take());
        page.push([None, Some(""), None, Some("null"), None]);
        writer.rows(&mut out, page.take());
        writer.finish(&mut out, 3);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn csv_is_what_psql_prints() {
        assert_eq!(
            sample(Format::Csv, None, false),
            "id,\"na\"\"me\",price,doc,id\n1,plain,12.50,\"{\"\"a\"\": [1, 2]}\",t\n22,\"a,b\n\"\"c\"\"\t|\\\",NaN,,f\n,,,null,\n"
        );
        assert!(sample(Format::Csv, Some("NULL"), false).ends_with("\nNULL,,NULL,null,NULL\n"));
        assert!(sample(Format::Csv, Some("null"), false).ends_with("\nnull,,null,\"null\",null\n"), "told apart");
        assert!(
            sample(Format::Csv, Some("n,a"), false).ends_with("\n\"n,a\",,\"n,a\",null,\"n,a\"\n"),
            "as psql has it"
        );
        assert!(sample(Format::Csv, None, true).contains("\"a,b␤\"\"c\"\"␉|\\\""));
    }

    #[test]
    fn tsv_is_copy_with_a_header() {
        assert_eq!(
            sample(Format::Tsv, None, false),
            "id\tna\"me\tprice\tdoc\tid\n1\tplain\t12.50\t{\"a\": [1, 2]}\tt\n22\ta,b\\n\"c\"\\t|\\\\\tNaN\t\\N\tf\n\\N\t\t\\N\tnull\t\\N\n"
        );
    }

    #[test]
    fn inserts_are_statements() {
        let text = sample(Format::Insert, None, false);
        assert!(text.starts_with(
            "INSERT INTO table_name (\"id\", \"na\"\"me\", \"price\", \"doc\", \"id\") VALUES (1, 'plain', 12.50, "
        ));
        assert!(text.ends_with(" VALUES (NULL, '', NULL, 'null', NULL);\n"), "{text}");
    }

    #[test]
    fn json_is_typed_and_null_is_null() {
        let text = sample(Format::Json, None, false);
        let value: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
        assert_eq!(
            value,
            serde_json::json!([
                {"id": 1, "na\"me": "plain", "price": 12.5, "doc": {"a": [1, 2]}, "id_2": true},
                {"id": 22, "na\"me": "a,b\n\"c\"\t|\\", "price": "NaN", "doc": null, "id_2": false},
                {"id": null, "na\"me": "", "price": null, "doc": null, "id_2": null},
            ])
        );
        assert!(text.contains("\"price\":12.50"), "as the server spelled it: {text}");
        let lines = sample(Format::Jsonl, None, false);
        assert_eq!(lines.lines().count(), 3);
        for line in lines.lines() {
            serde_json::from_str::<serde_json::Value>(line).expect("one object a line");
        }
    }

    #[test]
    fn json_of_nothing_is_an_empty_array() {
        let mut writer = Writer::new(Format::Json, None, false);
        let mut out = Vec::new();
        writer.columns(&mut out, vec![column("a", 25)]);
        writer.finish(&mut out, 0);
        assert_eq!(out, b"[]\n");
    }

    #[test]
    fn markdown_keeps_its_columns() {
        assert_eq!(
            sample(Format::Markdown, None, false),
            "| id | na\"me | price | doc | id |\n| ---: | --- | ---: | --- | --- |\n\
             | 1 | plain | 12.50 | {\"a\": [1, 2]} | t |\n| 22 | a,b<br>\"c\"␉\\|\\\\ | NaN | *NULL* | f |\n| *NULL* |  | *NULL* | null | *NULL* |\n\n"
        );
        assert!(sample(Format::Markdown, Some("null"), false).ends_with("| null |  | null | \\null | null |\n\n"));
    }

    #[test]
    fn copy_data_is_tamed_for_a_terminal_only_and_however_it_is_cut() {
        let data = "a\té 🐘\x1b]52;c;x\x07\u{9b}31m\n\n\t\tb\r\n".as_bytes();
        let data = [data, b"\xff\x9b\xc3"].concat();
        let through = |terminal, piece: usize| {
            let (mut writer, mut out) = (Writer::new(Format::Table, None, terminal), Vec::new());
            data.chunks(piece).for_each(|piece| writer.copy(&mut out, piece));
            writer.copied(&mut out);
            out
        };
        for piece in 1..=data.len() {
            assert_eq!(through(false, piece), data);
            let tame = String::from_utf8(through(true, piece)).expect("text");
            assert_eq!(tame, "a\té 🐘␛]52;c;x␇\u{fffd}31m\n\n\t\tb␍\n\u{fffd}\u{fffd}\u{fffd}", "pieces of {piece}");
        }
    }

    #[test]
    fn a_table_is_what_psql_prints() {
        assert_eq!(
            sample(Format::Table, None, false),
            concat!(
                " id |   na\"me    | price |      doc      | id \n",
                "----+------------+-------+---------------+----\n",
                "  1 | plain      | 12.50 | {\"a\": [1, 2]} | t\n",
                " 22 | a,b       +|   NaN |               | f\n",
                "    | \"c\"     |\\ |       |               | \n",
                "    |            |       | null          | \n",
                "(3 rows)\n\n"
            )
        );
    }
}
