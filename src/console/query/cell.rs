//! One cell, whole: JSON laid out, bytea as a hex dump, everything else wrapped. What is shown is made once when the cell
//! is opened, so that scrolling costs the same for ten megabytes. It must not know where the cell came from.

use super::text;
use crate::model::Column;

/// Bytes of a cell that are laid out; beyond that nobody scrolls, they copy.
const LAID_OUT: usize = 4 << 20;

/// An open cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The column's name.
    pub name: String,
    /// The row, from 0.
    pub row: u64,
    /// As the server sent it; `None` is NULL.
    pub value: Option<String>,
    /// First line shown.
    pub top: usize,
    /// As the server sent it, not laid out.
    pub raw: bool,
    oid: u32,
    lines: Vec<String>,
    width: usize,
    height: usize,
}

impl Cell {
    /// Opens a cell.
    pub fn new(column: &Column, row: u64, value: Option<&str>) -> Cell {
        let name = column.name.clone();
        let value = value.map(str::to_owned);
        let (lines, oid) = (Vec::new(), column.oid);
        Cell { name, row, value, top: 0, raw: false, oid, lines, width: 0, height: 0 }
    }

    /// The lines it has at its width.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Lays it out for an area of that size, if it is not already.
    pub fn fit(&mut self, width: usize, height: usize) {
        self.height = height;
        if self.width != width {
            self.width = width;
            self.lay_out();
        }
        self.top = self.top.min(self.lines.len().saturating_sub(height));
    }

    /// Scrolls by lines.
    pub fn scroll(&mut self, lines: isize) {
        self.top = self.top.saturating_add_signed(lines).min(self.lines.len().saturating_sub(self.height));
    }

    /// Scrolls by screens.
    pub fn page(&mut self, pages: isize) {
        self.scroll(pages * self.height.saturating_sub(1).max(1) as isize);
    }

    /// Laid out, or as the server sent it.
    pub fn toggle(&mut self) {
        self.raw = !self.raw;
        self.top = 0;
        self.lay_out();
    }

    fn lay_out(&mut self) {
        let Some(value) = &self.value else {
            self.lines = vec!["∅  (NULL)".to_owned()];
            return;
        };
        let head = &value[..value.floor_char_boundary(LAID_OUT)];
        // pg_type.dat: json, jsonb, bytea
        let laid_out = match self.oid {
            _ if self.raw => None,
            114 | 3802 => Some(json(head)),
            17 => bytea(head),
            _ => None,
        };
        self.lines = text::wrap(laid_out.as_deref().unwrap_or(head), self.width);
        if value.is_empty() {
            self.lines = vec!["(empty)".to_owned()];
        }
        if head.len() < value.len() {
            let all = text::size(value.len() as u64);
            self.lines.push(format!("… the first {} of {all}; copying takes all of it", text::size(LAID_OUT as u64)));
        }
    }
}

/// JSON with line breaks and indentation, every other character as it was: numbers keep their digits, keys their order.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut within = false;
    let mut escaped = false;
    let mut chars = text.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        // Depth is the server's to choose, the screen is not.
        out.extend(std::iter::repeat_n("  ", depth.min(40)));
    };
    while let Some(c) = chars.next() {
        if within {
            out.push(c);
            within = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => {
                within = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|c| c.is_whitespace()).is_some() {}
                match chars.next_if(|c| matches!(c, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// `\x…` as a hex dump; `None` when it is not hex (`bytea_output = escape`).
fn bytea(text: &str) -> Option<String> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let nibble = |digit: u8| (digit as char).to_digit(16);
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| Some((nibble(pair[0])? * 16 + nibble(pair[1])?) as u8))
        .collect::<Option<_>>()?;
    let mut out = String::with_capacity(bytes.len() * 5);
    for (number, chunk) in bytes.chunks(16).enumerate() {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(&format!("{:08x} ", number * 16));
        for (at, byte) in chunk.iter().enumerate() {
            out.push_str(if at == 8 { "  " } else { " " });
            out.push_str(&format!("{byte:02x}"));
        }
        let hole = 3 * (16 - chunk.len()) + usize::from(chunk.len() <= 8);
        out.extend(std::iter::repeat_n(' ', hole + 2));
        out.extend(chunk.iter().map(|byte| if (0x20..0x7f).contains(byte) { *byte as char } else { '·' }));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(oid: u32, value: &str) -> Cell {
        let mut cell = Cell::new(&Column { name: "c".to_owned(), oid }, 0, Some(value));
        cell.fit(78, 10);
        cell
    }

    #[test]
    fn json_is_laid_out_without_touching_values() {
        let laid = json(r#"{"b":1.50,"a":[1,{"x":"a,\"b:{"}],"e":{},"n":12345678901234567890123}"#);
        insta::assert_snapshot!(laid, @r#"
        {
          "b": 1.50,
          "a": [
            1,
            {
              "x": "a,\"b:{"
            }
          ],
          "e": {},
          "n": 12345678901234567890123
        }
        "#);
        let parsed: serde_json::Value = serde_json::from_str(&laid).expect("still JSON");
        assert_eq!(parsed["a"][1]["x"], "a,\"b:{");
    }

    #[test]
    fn bytea_is_a_hex_dump() {
        let cell = open(17, "\\x48656c6c6f2c20776f726c6421000102");
        assert_eq!(cell.lines(), ["00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 00 01 02  Hello, world!···"]);
        assert_eq!(open(17, "\\x4865").lines(), [format!("00000000  48 65{:1$}He", "", 45)]);
        assert_eq!(open(17, "escape\\001").lines(), ["escape\\001"]);
    }

    #[test]
    fn a_cell_of_ten_megabytes_opens() {
        let mut cell = open(25, &"lorem ipsum ".repeat(900_000));
        assert!(cell.lines().len() > 50_000);
        cell.scroll(isize::MAX);
        assert!(cell.lines()[cell.lines().len() - 1].contains("copying takes all"));
    }

    #[test]
    fn null_and_empty_differ() {
        let mut null = Cell::new(&Column { name: "c".to_owned(), oid: 25 }, 0, None);
        null.fit(20, 3);
        assert_eq!(null.lines(), ["∅  (NULL)"]);
        assert_eq!(open(25, "").lines(), ["(empty)"]);
    }
}
