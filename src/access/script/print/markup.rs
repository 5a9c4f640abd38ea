//! Tables for documents: psql's formats `html` and `asciidoc`. Nothing is held back. It must not know where the bytes go.
//!
//! Source: psql's reference page, `\pset format`, and psql 15 as seen.

use super::{put, shown};
use crate::access::script::display::{Display, Shape};
use crate::model::{Column, Page};

/// A table that is printed as its rows come.
pub(super) struct Markup {
    display: Display,
    names: Vec<String>,
    numeric: Vec<bool>,
    tame: bool,
    html: bool,
    expanded: bool,
    records: u64,
}

impl Markup {
    pub(super) fn new(display: &Display, columns: &[Column], tame: bool) -> Markup {
        Markup {
            names: columns.iter().map(|column| column.name.clone()).collect(),
            numeric: columns.iter().map(Column::is_numeric).collect(),
            tame,
            html: display.shape == Shape::Html,
            expanded: display.is_expanded(),
            records: 0,
            display: display.clone(),
        }
    }

    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        let title = self.display.title.as_deref().filter(|_| !self.display.tuples_only);
        let names = !self.display.tuples_only && !self.expanded;
        if self.html {
            let attributes =
                self.display.table_attributes.as_deref().map(|text| format!(" {text}")).unwrap_or_default();
            put(out, &format!("<table border=\"{}\"{attributes}>\n", self.display.border));
            if let Some(title) = title {
                put(out, &format!("  <caption>{}</caption>\n", self.escaped(title)));
            }
            if names {
                put(out, "  <tr>\n");
                for name in &self.names {
                    put(out, &format!("    <th align=\"center\">{}</th>\n", self.escaped(name)));
                }
                put(out, "  </tr>\n");
            }
            return;
        }
        put(out, "\n");
        if let Some(title) = title {
            put(out, &format!(".{}\n", shown(title, self.tame)));
        }
        let columns = match self.expanded {
            true => "h,l".to_owned(),
            false => self.numeric.iter().map(|right| if *right { ">l" } else { "<l" }).collect::<Vec<_>>().join(","),
        };
        let frame = match self.display.border {
            0 => ",frame=\"none\",grid=\"none\"",
            1 => ",frame=\"none\"",
            2 => ",frame=\"all\",grid=\"all\"",
            _ => "",
        };
        let header = if names { "options=\"header\"," } else { "" };
        put(out, &format!("[{header}cols=\"{columns}\"{frame}]\n|====\n"));
        if names {
            let names: Vec<String> = self.names.iter().map(|name| format!("^l|{}", self.escaped(name))).collect();
            put(out, &names.join(" "));
            put(out, "\n");
        }
    }

    pub(super) fn rows(&mut self, out: &mut Vec<u8>, page: &Page) {
        if page.columns() == 0 {
            return;
        }
        for row in 0..page.rows() {
            self.records += 1;
            let cells = page.row(row).map(|cell| cell.unwrap_or(self.display.null_text()));
            match (self.expanded, self.html) {
                (true, _) => self.record(out, cells),
                (false, true) => {
                    put(out, "  <tr valign=\"top\">\n");
                    for (cell, right) in cells.zip(&self.numeric) {
                        self.html_cell(out, cell, *right);
                    }
                    put(out, "  </tr>\n");
                }
                (false, false) => {
                    for (at, cell) in cells.enumerate() {
                        put(out, if at > 0 { " |" } else { "|" });
                        match is_blank(cell) {
                            // What is empty must not swallow the cell after it.
                            true => put(out, if at + 1 < self.names.len() { " " } else { "" }),
                            false => put(out, &self.escaped(cell)),
                        }
                    }
                    put(out, "\n");
                }
            }
        }
    }

    fn record<'a>(&self, out: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>) {
        match (self.html, self.display.tuples_only) {
            (true, true) => put(out, "\n  <tr><td colspan=\"2\">&nbsp;</td></tr>\n"),
            (true, false) => {
                let number = self.records;
                put(out, &format!("\n  <tr><td colspan=\"2\" align=\"center\">Record {number}</td></tr>\n"));
            }
            (false, true) => put(out, "2+|\n"),
            (false, false) => put(out, &format!("2+^|Record {}\n", self.records)),
        }
        for ((name, right), cell) in self.names.iter().zip(&self.numeric).zip(cells) {
            if self.html {
                put(out, &format!("  <tr valign=\"top\">\n    <th>{}</th>\n", self.escaped(name)));
                self.html_cell(out, cell, *right);
                put(out, "  </tr>\n");
                continue;
            }
            put(out, &format!("<l|{} {}|", self.escaped(name), if *right { ">l" } else { "<l" }));
            put(out, &if is_blank(cell) { " ".to_owned() } else { self.escaped(cell) });
            put(out, "\n");
        }
    }

    fn html_cell(&self, out: &mut Vec<u8>, cell: &str, right: bool) {
        let text = if is_blank(cell) { "&nbsp; ".to_owned() } else { self.escaped(cell) };
        put(out, &format!("    <td align=\"{}\">{text}</td>\n", if right { "right" } else { "left" }));
    }

    pub(super) fn finish(&self, out: &mut Vec<u8>, rows: u64) {
        let feet = self.display.feet(rows, self.expanded);
        if self.html {
            put(out, "</table>\n");
            if !feet.is_empty() {
                let feet: String = feet.iter().map(|foot| format!("{}<br />\n", self.escaped(foot))).collect();
                put(out, &format!("<p>{feet}</p>"));
            }
            put(out, "\n");
            return;
        }
        put(out, "|====\n");
        if !feet.is_empty() {
            let feet: String = feet.iter().map(|foot| format!("{}\n", shown(foot, self.tame))).collect();
            put(out, &format!("\n....\n{feet}....\n"));
        }
    }

    fn escaped(&self, text: &str) -> String {
        if !self.html {
            return shown(text, self.tame).replace('|', "\\|");
        }
        let mut escaped = String::with_capacity(text.len());
        let mut leads = true;
        for c in text.chars() {
            match c {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\n' => escaped.push_str("<br />\n"),
                // Plans are read by what they are indented.
                ' ' if leads => escaped.push_str("&nbsp;"),
                c if self.tame => escaped.push_str(&shown(c.encode_utf8(&mut [0; 4]), true)),
                c => escaped.push(c),
            }
            leads &= c == ' ';
        }
        escaped
    }
}

fn is_blank(cell: &str) -> bool {
    cell.chars().all(|c| matches!(c, ' ' | '\t'))
}
