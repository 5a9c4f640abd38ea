//! How results are shown: psql's `\pset` and its shorthands. It must not know rows.

use crate::model::sql::boolean;

/// The shapes of psql that are had here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Columns under one another.
    #[default]
    Aligned,
    /// Cells with a separator between them.
    Unaligned,
    /// Comma separated.
    Csv,
    /// One of our own, which `\pset` does not change.
    Own,
}

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
    /// Lines around an aligned table: 0, 1 or 2.
    pub border: u8,
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

    /// `\pset NAME VALUE`. Gives what was done in words; the error says what was expected.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<String, String> {
        let on_off = |on: bool| if on { "on" } else { "off" };
        Ok(match name {
            "format" => {
                let value = value.unwrap_or_default();
                let found = [
                    ("aligned", Some(Shape::Aligned)),
                    ("unaligned", Some(Shape::Unaligned)),
                    ("csv", Some(Shape::Csv)),
                    ("asciidoc", None),
                    ("html", None),
                    ("latex", None),
                    ("latex-longtable", None),
                    ("troff-ms", None),
                    ("wrapped", None),
                ];
                match found.iter().find(|(known, _)| !value.is_empty() && known.starts_with(value)) {
                    Some((_, Some(shape))) => self.shape = *shape,
                    Some((known, None)) => return Err(format!("\\pset: format {known} is not supported here")),
                    None => return Err("\\pset: allowed formats are aligned, csv, unaligned".to_owned()),
                }
                format!("Output format is {}.", self.shape_name())
            }
            "x" | "expanded" | "vertical" => {
                self.expanded = match value {
                    Some("auto") => Expanded::Auto,
                    _ => match switch(name, value, self.expanded == Expanded::On)? {
                        true => Expanded::On,
                        false => Expanded::Off,
                    },
                };
                match self.expanded {
                    Expanded::On => "Expanded display is on.",
                    Expanded::Auto => "Expanded display is used automatically.",
                    Expanded::Off => "Expanded display is off.",
                }
                .to_owned()
            }
            "t" | "tuples_only" => {
                self.tuples_only = switch(name, value, self.tuples_only)?;
                format!("Tuples only is {}.", on_off(self.tuples_only))
            }
            "footer" => {
                self.footer = switch(name, value, self.footer)?;
                format!("Default footer is {}.", on_off(self.footer))
            }
            "null" => {
                if let Some(value) = value {
                    self.null = Some(value.to_owned());
                }
                format!("Null display is \"{}\".", self.null.as_deref().unwrap_or_default())
            }
            "fieldsep" => {
                if let Some(value) = value {
                    self.field_separator = value.to_owned();
                }
                format!("Field separator is \"{}\".", self.field_separator)
            }
            "fieldsep_zero" => {
                self.field_separator = "\0".to_owned();
                "Field separator is zero byte.".to_owned()
            }
            "recordsep" => {
                if let Some(value) = value {
                    self.record_separator = value.to_owned();
                }
                "Record separator is set.".to_owned()
            }
            "recordsep_zero" => {
                self.record_separator = "\0".to_owned();
                "Record separator is zero byte.".to_owned()
            }
            "csv_fieldsep" => {
                if let Some(value) = value {
                    let mut chars = value.chars();
                    match (chars.next(), chars.next()) {
                        (Some(one), None) if one.is_ascii() && !matches!(one, '"' | '\n' | '\r') => {
                            self.csv_separator = one;
                        }
                        (Some(_), None) => {
                            return Err(
                                "\\pset: csv_fieldsep cannot be a double quote, a newline, or a carriage return"
                                    .to_owned(),
                            );
                        }
                        _ => return Err("\\pset: csv_fieldsep must be a single one-byte character".to_owned()),
                    }
                }
                format!("Field separator for CSV is \"{}\".", self.csv_separator)
            }
            "title" | "C" => {
                self.title = value.map(str::to_owned);
                match &self.title {
                    Some(title) => format!("Title is \"{title}\"."),
                    None => "Title is unset.".to_owned(),
                }
            }
            "border" => {
                if let Some(value) = value {
                    self.border = value.parse().map_err(|_| "\\pset: border takes 0, 1 or 2".to_owned())?;
                }
                format!("Border style is {}.", self.border)
            }
            // They mean nothing where there is no pager, and where lines are plain.
            "pager" | "pager_min_lines" | "columns" => format!("{name} means nothing here."),
            "linestyle" if value.is_none_or(|value| "ascii".starts_with(value)) => "Line style is ascii.".to_owned(),
            "numericlocale" if value.is_some_and(|value| boolean(value) == Some(false)) => {
                "Locale-adjusted numeric output is off.".to_owned()
            }
            "linestyle"
            | "numericlocale"
            | "tableattr"
            | "T"
            | "unicode_border_linestyle"
            | "unicode_column_linestyle"
            | "unicode_header_linestyle"
            | "xheader_width" => {
                return Err(format!("\\pset: {name} is not supported here"));
            }
            _ => return Err(format!("\\pset: unknown option: {name}")),
        })
    }

    /// The shape's name.
    fn shape_name(&self) -> &'static str {
        match self.shape {
            Shape::Aligned => "aligned",
            Shape::Unaligned => "unaligned",
            Shape::Csv => "csv",
            Shape::Own => "that of --format",
        }
    }
}

fn switch(name: &str, value: Option<&str>, now: bool) -> Result<bool, String> {
    match value {
        None => Ok(!now),
        Some(value) => {
            boolean(value).ok_or_else(|| format!("unrecognized value \"{value}\" for \"{name}\": Boolean expected"))
        }
    }
}
