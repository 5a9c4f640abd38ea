//! How results are shown: psql's `\pset` and its shorthands. It must not know rows.

use super::print::{LineStyle, Weight, Weights};
use crate::model::sql::boolean;
use crate::model::visible;

/// The shapes of psql that are had here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Columns under one another.
    #[default]
    Aligned,
    /// The same, long cells over several lines.
    Wrapped,
    /// Cells with a separator between them.
    Unaligned,
    /// Comma separated.
    Csv,
    /// A table for a page of the web.
    Html,
    /// A table for AsciiDoc.
    Asciidoc,
    /// One of our own, which `\pset` does not change.
    Own,
}

/// psql's names of formats, in its order; `None` where it is not had here.
const FORMATS: [(&str, Option<Shape>); 9] = [
    ("aligned", Some(Shape::Aligned)),
    ("asciidoc", Some(Shape::Asciidoc)),
    ("csv", Some(Shape::Csv)),
    ("html", Some(Shape::Html)),
    ("latex", None),
    ("troff-ms", None),
    ("unaligned", Some(Shape::Unaligned)),
    ("wrapped", Some(Shape::Wrapped)),
    ("latex-longtable", None),
];

/// All options of `\pset` that have a value here, in psql's order.
const OPTIONS: [&str; 21] = [
    "border",
    "columns",
    "csv_fieldsep",
    "expanded",
    "fieldsep",
    "fieldsep_zero",
    "footer",
    "format",
    "linestyle",
    "null",
    "numericlocale",
    "pager",
    "pager_min_lines",
    "recordsep",
    "recordsep_zero",
    "tableattr",
    "title",
    "tuples_only",
    "unicode_border_linestyle",
    "unicode_column_linestyle",
    "unicode_header_linestyle",
];

/// Settings of the display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Display {
    /// The shape.
    pub shape: Shape,
    /// The shape that the command line asked for.
    pub first: Shape,
    /// A column a line.
    pub expanded: Expanded,
    /// Rows only: no names, titles, footers.
    pub tuples_only: bool,
    /// Whether the count of rows is told below a table.
    pub footer: bool,
    /// What stands for NULL; `None` is the format's own.
    pub null: Option<String>,
    /// Between cells of [`Shape::Unaligned`].
    pub field_separator: String,
    /// Between cells of [`Shape::Csv`].
    pub csv_separator: char,
    /// Between rows of [`Shape::Unaligned`].
    pub record_separator: String,
    /// Above each table.
    pub title: Option<String>,
    /// Lines around an aligned table: 0, 1 or 2. [`Shape::Html`] knows more.
    pub border: u16,
    /// How those lines are drawn.
    pub line_style: LineStyle,
    /// How they will be drawn in the style `unicode`.
    pub weights: Weights,
    /// Columns that a table may take before it is wrapped or turned; 0 is what the screen has, or without one no end.
    pub columns: usize,
    /// Attributes of [`Shape::Html`]'s tables.
    pub table_attributes: Option<String>,
    /// Kept for who asks; there is no pager.
    pub pager: u8,
    /// The same.
    pub pager_min_lines: usize,
    /// What stands below a table instead of the count of its rows.
    pub below: Option<Vec<String>>,
}

/// Whether a column is a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expanded {
    /// No.
    #[default]
    Off,
    /// Yes.
    On,
    /// Where a table would be wider than the screen; what goes to no screen is not.
    Auto,
}

impl Default for Display {
    fn default() -> Display {
        Display {
            shape: Shape::Aligned,
            first: Shape::Aligned,
            expanded: Expanded::Off,
            tuples_only: false,
            footer: true,
            null: None,
            field_separator: "|".to_owned(),
            csv_separator: ',',
            record_separator: "\n".to_owned(),
            title: None,
            border: 1,
            line_style: LineStyle::Ascii,
            weights: Weights::default(),
            columns: 0,
            table_attributes: None,
            pager: 1,
            pager_min_lines: 0,
            below: None,
        }
    }
}

impl Display {
    /// In that shape.
    pub fn of(shape: Shape, null: Option<String>) -> Display {
        Display { shape, first: shape, null, ..Display::default() }
    }

    /// Whether a column is a line.
    pub fn is_expanded(&self) -> bool {
        self.expanded == Expanded::On
    }

    /// What stands for NULL where the format has nothing of its own.
    pub fn null_text(&self) -> &str {
        self.null.as_deref().unwrap_or_default()
    }

    /// What stands below a result of so many rows. psql counts records only where it does not number them.
    pub fn feet(&self, rows: u64, numbered: bool) -> Vec<String> {
        match &self.below {
            _ if self.tuples_only => Vec::new(),
            Some(below) => below.clone(),
            None if self.footer && !numbered => vec![format!("({rows} {})", if rows == 1 { "row" } else { "rows" })],
            None => Vec::new(),
        }
    }

    /// `\pset NAME VALUE`. Gives what was done in words; the error says what was expected.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<String, String> {
        match name {
            "format" => {
                if let Some(value) = value {
                    self.shape = shape(value)?;
                }
            }
            "x" | "expanded" | "vertical" => {
                self.expanded = match value {
                    Some(value) if value.eq_ignore_ascii_case("auto") => Expanded::Auto,
                    _ => match switch(name, value, self.expanded != Expanded::Off)? {
                        true => Expanded::On,
                        false => Expanded::Off,
                    },
                };
            }
            "t" | "tuples_only" => self.tuples_only = switch(name, value, self.tuples_only)?,
            "footer" => self.footer = switch(name, value, self.footer)?,
            "null" => self.null = value.map(str::to_owned).or(self.null.take()),
            "fieldsep" => self.field_separator = value.unwrap_or(&self.field_separator).to_owned(),
            "fieldsep_zero" => self.field_separator = "\0".to_owned(),
            "recordsep" => self.record_separator = value.unwrap_or(&self.record_separator).to_owned(),
            "recordsep_zero" => self.record_separator = "\0".to_owned(),
            "csv_fieldsep" => {
                if let Some(value) = value {
                    self.csv_separator = csv_separator(value)?;
                }
            }
            "title" | "C" => self.title = value.map(str::to_owned),
            "T" | "tableattr" => self.table_attributes = value.map(str::to_owned),
            "border" => {
                if let Some(value) = value {
                    self.border = value.parse().map_err(|_| "\\pset: border takes 0, 1 or 2".to_owned())?;
                }
            }
            "columns" => {
                if let Some(value) = value {
                    self.columns = value.parse().map_err(|_| "\\pset: columns takes a number".to_owned())?;
                }
            }
            "linestyle" => {
                if let Some(value) = value {
                    self.line_style = self.line_style_of(value)?;
                }
            }
            "unicode_border_linestyle" | "unicode_column_linestyle" | "unicode_header_linestyle" => {
                if let Some(value) = value {
                    let weight = weight(name, value)?;
                    match name.as_bytes().get(8) {
                        Some(b'b') => self.weights.border = weight,
                        Some(b'c') => self.weights.column = weight,
                        _ => self.weights.header = weight,
                    }
                    if let LineStyle::Unicode(weights) = &mut self.line_style {
                        *weights = self.weights;
                    }
                }
            }
            // There is no pager; what a script says of it is kept for who asks.
            "pager" => {
                self.pager = match value {
                    Some(value) if value.eq_ignore_ascii_case("always") => 2,
                    _ => u8::from(switch(name, value, self.pager == 1)?),
                };
            }
            "pager_min_lines" => {
                if let Some(value) = value {
                    self.pager_min_lines =
                        value.parse().map_err(|_| "\\pset: pager_min_lines takes a number".to_owned())?;
                }
            }
            // Numbers are never changed, and no line above a record is cut: what is so already may be asked for.
            "numericlocale" if value.is_some_and(|value| boolean(value) == Some(false)) => {}
            "xheader_width" if value.is_none_or(|value| value == "full") => {}
            "numericlocale" | "xheader_width" => return Err(format!("\\pset: {name} is not supported here")),
            _ => return Err(format!("\\pset: unknown option: {name}")),
        }
        Ok(self.told(name))
    }

    /// How an option stands, in psql's words.
    fn told(&self, name: &str) -> String {
        let on_off = |on: bool| if on { "on" } else { "off" };
        match name {
            "format" => format!("Output format is {}.", self.shape_name()),
            "x" | "expanded" | "vertical" => match self.expanded {
                Expanded::On => "Expanded display is on.",
                Expanded::Auto => "Expanded display is used automatically.",
                Expanded::Off => "Expanded display is off.",
            }
            .to_owned(),
            "t" | "tuples_only" => format!("Tuples only is {}.", on_off(self.tuples_only)),
            "footer" => format!("Default footer is {}.", on_off(self.footer)),
            "null" => format!("Null display is \"{}\".", self.null_text()),
            "fieldsep" | "fieldsep_zero" if self.field_separator == "\0" => "Field separator is zero byte.".to_owned(),
            "fieldsep" | "fieldsep_zero" => format!("Field separator is \"{}\".", self.field_separator),
            "recordsep" | "recordsep_zero" => match self.record_separator.as_str() {
                "\0" => "Record separator is zero byte.".to_owned(),
                "\n" => "Record separator is <newline>.".to_owned(),
                other => format!("Record separator is \"{other}\"."),
            },
            "csv_fieldsep" => format!("Field separator for CSV is \"{}\".", self.csv_separator),
            "title" | "C" => match &self.title {
                Some(title) => format!("Title is \"{title}\"."),
                None => "Title is unset.".to_owned(),
            },
            "T" | "tableattr" => match &self.table_attributes {
                Some(text) => format!("Table attributes are \"{text}\"."),
                None => "Table attributes unset.".to_owned(),
            },
            "border" => format!("Border style is {}.", self.border),
            "columns" if self.columns == 0 => "Target width is unset.".to_owned(),
            "columns" => format!("Target width is {}.", self.columns),
            "linestyle" => format!("Line style is {}.", self.line_style.name()),
            "unicode_border_linestyle" => format!("Unicode border line style is \"{}\".", self.weights.border.name()),
            "unicode_column_linestyle" => format!("Unicode column line style is \"{}\".", self.weights.column.name()),
            "unicode_header_linestyle" => format!("Unicode header line style is \"{}\".", self.weights.header.name()),
            "pager" => match self.pager {
                0 => "Pager usage is off.",
                1 => "Pager is used for long output.",
                _ => "Pager is always used.",
            }
            .to_owned(),
            "pager_min_lines" => {
                let lines = self.pager_min_lines;
                format!("Pager won't be used for less than {lines} line{}.", if lines == 1 { "" } else { "s" })
            }
            "xheader_width" => "Expanded header width is \"full\".".to_owned(),
            _ => "Locale-adjusted numeric output is off.".to_owned(),
        }
    }

    /// All options, as `\pset` alone lists them.
    pub fn list(&self) -> String {
        OPTIONS.iter().map(|name| format!("{name:<24} {}\n", visible(&self.value(name)))).collect()
    }

    fn value(&self, name: &str) -> String {
        let on_off = |on: bool| (if on { "on" } else { "off" }).to_owned();
        // As it would be written in a script.
        let quoted = |text: &str| {
            let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
            format!("'{}'", if text == "\0" { "" } else { &text })
        };
        match name {
            "border" => self.border.to_string(),
            "columns" => self.columns.to_string(),
            "csv_fieldsep" => quoted(&self.csv_separator.to_string()),
            "expanded" => match self.expanded {
                Expanded::On => "on".to_owned(),
                Expanded::Auto => "auto".to_owned(),
                Expanded::Off => "off".to_owned(),
            },
            "fieldsep" => quoted(&self.field_separator),
            "fieldsep_zero" => on_off(self.field_separator == "\0"),
            "footer" => on_off(self.footer),
            "format" => self.shape_name().to_owned(),
            "linestyle" => self.line_style.name().to_owned(),
            "null" => quoted(self.null_text()),
            "pager" => self.pager.to_string(),
            "pager_min_lines" => self.pager_min_lines.to_string(),
            "recordsep" => quoted(&self.record_separator),
            "recordsep_zero" => on_off(self.record_separator == "\0"),
            "tableattr" => self.table_attributes.as_deref().map(quoted).unwrap_or_default(),
            "title" => self.title.as_deref().map(quoted).unwrap_or_default(),
            "tuples_only" => on_off(self.tuples_only),
            "unicode_border_linestyle" => self.weights.border.name().to_owned(),
            "unicode_column_linestyle" => self.weights.column.name().to_owned(),
            "unicode_header_linestyle" => self.weights.header.name().to_owned(),
            _ => "off".to_owned(),
        }
    }

    fn line_style_of(&self, value: &str) -> Result<LineStyle, String> {
        let all = [LineStyle::Ascii, LineStyle::OldAscii, LineStyle::Unicode(self.weights)];
        let value = value.to_ascii_lowercase();
        let found = all.into_iter().find(|style| !value.is_empty() && style.name().starts_with(&value));
        found.ok_or_else(|| "\\pset: allowed line styles are ascii, old-ascii, unicode".to_owned())
    }

    /// The shape's name.
    fn shape_name(&self) -> &'static str {
        let found = FORMATS.iter().find(|(_, shape)| *shape == Some(self.shape));
        found.map_or("that of --format", |(name, _)| name)
    }
}

fn shape(value: &str) -> Result<Shape, String> {
    let value = value.to_ascii_lowercase();
    match FORMATS.iter().find(|(known, _)| !value.is_empty() && known.starts_with(&value)) {
        // One letter of two that begin with it.
        _ if value == "a" => {
            Err("\\pset: ambiguous abbreviation \"a\" matches both \"aligned\" and \"asciidoc\"".to_owned())
        }
        Some((_, Some(shape))) => Ok(*shape),
        Some((known, None)) => Err(format!("\\pset: format {known} is not supported here")),
        None => {
            let had: Vec<&str> = FORMATS.iter().filter(|(_, shape)| shape.is_some()).map(|(name, _)| *name).collect();
            Err(format!("\\pset: allowed formats are {}", had.join(", ")))
        }
    }
}

fn csv_separator(value: &str) -> Result<char, String> {
    let mut chars = value.chars();
    match (chars.next(), chars.next()) {
        (Some('"' | '\n' | '\r'), None) => {
            Err("\\pset: csv_fieldsep cannot be a double quote, a newline, or a carriage return".to_owned())
        }
        (Some(one), None) if one.is_ascii() => Ok(one),
        _ => Err("\\pset: csv_fieldsep must be a single one-byte character".to_owned()),
    }
}

fn weight(name: &str, value: &str) -> Result<Weight, String> {
    let value = value.to_ascii_lowercase();
    let found = [Weight::Single, Weight::Double]
        .into_iter()
        .find(|weight| !value.is_empty() && weight.name().starts_with(&value));
    found.ok_or_else(|| format!("\\pset: allowed values of {name} are single, double"))
}

fn switch(name: &str, value: Option<&str>, now: bool) -> Result<bool, String> {
    match value {
        None => Ok(!now),
        Some(value) => {
            boolean(value).ok_or_else(|| format!("unrecognized value \"{value}\" for \"{name}\": Boolean expected"))
        }
    }
}
