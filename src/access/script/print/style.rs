//! The characters that lines around cells are drawn with: psql's `\pset linestyle` and `unicode_*_linestyle`. It must not
//! know what stands between the lines.
//!
//! Source: psql's reference page, `\pset linestyle`, and psql 15 as seen.

/// How lines are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineStyle {
    /// `-`, `|` and `+`; marks stand in the blanks beside a cell.
    #[default]
    Ascii,
    /// As psql did before 9.0: marks stand in the lines.
    OldAscii,
    /// Box drawing characters.
    Unicode(Weights),
}

/// Which of the box drawing lines are double.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// The frame.
    pub border: Weight,
    /// Lines between columns.
    pub column: Weight,
    /// The line below the names.
    pub header: Weight,
}

/// One line or two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// One.
    #[default]
    Single,
    /// Two.
    Double,
}

/// A line across: what it consists of, its left end, its crossings, its right end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) line: &'static str,
    pub(super) left: &'static str,
    pub(super) middle: &'static str,
    pub(super) right: &'static str,
}

/// A style, spelled out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub(super) top: Rule,
    pub(super) below_names: Rule,
    pub(super) bottom: Rule,
    /// The lines beside cells; its `line` is nothing.
    pub(super) data: Rule,
    /// Instead of `data.middle`, where the cell behind it goes on after a line break, goes on as it was too long, is over.
    pub(super) after_break: &'static str,
    pub(super) after_wrap: &'static str,
    pub(super) after_end: &'static str,
    pub(super) name_goes_on: [&'static str; 2],
    pub(super) break_marks: [&'static str; 2],
    pub(super) wrap_marks: [&'static str; 2],
    /// Whether marks stand behind cells, also where no lines are drawn.
    pub(super) marks_behind: bool,
}

impl LineStyle {
    pub(super) fn lines(self) -> Lines {
        let ascii = Rule { line: "-", left: "+", middle: "+", right: "+" };
        let plain = Lines {
            top: ascii,
            below_names: ascii,
            bottom: ascii,
            data: Rule { line: "", left: "|", middle: "|", right: "|" },
            after_break: "|",
            after_wrap: "|",
            after_end: "|",
            name_goes_on: [" ", "+"],
            break_marks: [" ", "+"],
            wrap_marks: [".", "."],
            marks_behind: true,
        };
        match self {
            LineStyle::Ascii => plain,
            LineStyle::OldAscii => Lines {
                after_break: ":",
                after_wrap: ";",
                after_end: " ",
                name_goes_on: ["+", " "],
                break_marks: [" ", " "],
                wrap_marks: [" ", " "],
                marks_behind: false,
                ..plain
            },
            LineStyle::Unicode(weights) => boxed(weights, plain),
        }
    }

    /// `\pset linestyle`'s word for it.
    pub fn name(self) -> &'static str {
        match self {
            LineStyle::Ascii => "ascii",
            LineStyle::OldAscii => "old-ascii",
            LineStyle::Unicode(_) => "unicode",
        }
    }
}

impl Weight {
    /// psql's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Weight::Single => "single",
            Weight::Double => "double",
        }
    }

    fn pick(self, single: &'static str, double: &'static str) -> &'static str {
        match self {
            Weight::Single => single,
            Weight::Double => double,
        }
    }
}

fn boxed(Weights { border, column, header }: Weights, plain: Lines) -> Lines {
    use Weight::{Double, Single};
    let flat = |weight: Weight| weight.pick("─", "═");
    let upright = |weight: Weight| weight.pick("│", "║");
    let crossing = |down: Weight, across: Weight, four: [&'static str; 4]| match (down, across) {
        (Single, Single) => four[0],
        (Single, Double) => four[1],
        (Double, Single) => four[2],
        (Double, Double) => four[3],
    };
    Lines {
        top: Rule {
            line: flat(border),
            left: border.pick("┌", "╔"),
            middle: crossing(column, border, ["┬", "╤", "╥", "╦"]),
            right: border.pick("┐", "╗"),
        },
        below_names: Rule {
            line: flat(header),
            left: crossing(border, header, ["├", "╞", "╟", "╠"]),
            middle: crossing(column, header, ["┼", "╪", "╫", "╬"]),
            right: crossing(border, header, ["┤", "╡", "╢", "╣"]),
        },
        bottom: Rule {
            line: flat(border),
            left: border.pick("└", "╚"),
            middle: crossing(column, border, ["┴", "╧", "╨", "╩"]),
            right: border.pick("┘", "╝"),
        },
        data: Rule { line: "", left: upright(border), middle: upright(column), right: upright(border) },
        after_break: upright(column),
        after_wrap: upright(column),
        after_end: upright(column),
        name_goes_on: [" ", "↵"],
        break_marks: [" ", "↵"],
        wrap_marks: ["…", "…"],
        ..plain
    }
}
