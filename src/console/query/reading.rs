//! Lays a value out line by line as it is read, so that ten megabytes open as fast as ten bytes: JSON, arrays and composite
//! values by their own grammar without changing a character of a value, bytea as a hex dump, text wrapped. Where every 64th
//! line begins is remembered, and found no further than somebody looked. It must not know what is on screen.

use crate::model::visible;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Lines between two places that are remembered.
const STRIDE: usize = 64;
/// Bytes looked at once for where a line ends: clusters of characters have no bound of their own.
const LOOK: usize = 16;

/// How a value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// At its own line breaks, and wrapped.
    Text,
    /// A line for each member or element, indented by depth.
    Json,
    /// A line for each element of an array (`{…}`) or field of a composite value (`(…)`).
    Listed,
    /// Sixteen bytes a line, in hex and in ASCII.
    Hex,
}

/// Where a line begins, and what is open there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    byte: usize,
    depth: usize,
    /// Within a string that began on a line before.
    quoted: bool,
    /// The line goes on from the one before.
    goes_on: bool,
}

/// A value, and where its lines begin as far as that is known.
#[derive(Clone, Debug)]
pub struct Reading {
    manner: Manner,
    width: usize,
    marks: Vec<State>,
    /// Lines known; all of them once `whole`.
    known: usize,
    next: State,
    whole: bool,
}

impl Reading {
    /// Of a value of that type (`pg_type.oid`); `raw` is as the server sent it.
    pub fn manner(oid: u32, text: &str, raw: bool) -> Manner {
        let hex = |text: &str| {
            text.strip_prefix("\\x").is_some_and(|rest| rest.bytes().take(64).all(|b| b.is_ascii_hexdigit()))
        };
        match oid {
            _ if raw => Manner::Text,
            // pg_type.dat: json, jsonb, bytea
            114 | 3802 => Manner::Json,
            17 if hex(text) => Manner::Hex,
            17 => Manner::Text,
            // Types of text: a brace there is only a brace. char, name, text, xml, bpchar, varchar, unknown.
            18 | 19 | 25 | 142 | 1042 | 1043 | 705 => Manner::Text,
            _ if text.starts_with('{') && text.ends_with('}') => Manner::Listed,
            _ if text.starts_with('(') && text.ends_with(')') && oid >= 16_384 => Manner::Listed,
            _ => Manner::Text,
        }
    }

    /// Of `manner`, at most `width` columns wide.
    pub fn new(manner: Manner, width: usize) -> Reading {
        let next = State::default();
        Reading { manner, width: width.max(4), marks: vec![next], known: 0, next, whole: false }
    }

    /// Lines known so far.
    pub fn known(&self) -> usize {
        self.known
    }

    /// Whether all lines are known.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// How far lines are known, in bytes.
    pub fn reached(&self) -> usize {
        self.next.byte
    }

    /// Finds lines until so many are known, or `budget` more, or all.
    pub fn extend(&mut self, text: &str, wanted: usize, budget: usize) {
        let most = self.known.saturating_add(budget).min(wanted);
        while !self.whole && self.known < most {
            let mut state = self.next;
            self.line(text, &mut state, None);
            self.known += 1;
            self.whole = state.byte >= text.len();
            self.next = state;
            if self.known.is_multiple_of(STRIDE) && !self.whole {
                self.marks.push(state);
            }
        }
    }

    /// Lines `first..`, so many, as far as they are known. Control characters are symbols.
    pub fn lines(&self, text: &str, first: usize, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let Some(mut state) = self.marks.get(first / STRIDE).copied() else { return lines };
        for number in first / STRIDE * STRIDE..self.known.min(first + count) {
            let mut out = String::new();
            self.line(text, &mut state, Some(&mut out));
            if number >= first {
                lines.push(out);
            }
        }
        lines
    }

    /// The byte where a line begins, if the line is known.
    pub fn start_of(&self, text: &str, line: usize) -> Option<usize> {
        if line >= self.known {
            return None;
        }
        let mut state = *self.marks.get(line / STRIDE)?;
        for _ in line / STRIDE * STRIDE..line {
            self.line(text, &mut state, None);
        }
        Some(state.byte)
    }

    /// The line that holds a byte, as far as lines are known.
    pub fn line_of(&self, text: &str, byte: usize) -> usize {
        let mark = self.marks.partition_point(|mark| mark.byte <= byte).saturating_sub(1);
        let (mut state, mut line) = (self.marks[mark], mark * STRIDE);
        while line + 1 < self.known {
            self.line(text, &mut state, None);
            if state.byte > byte {
                break;
            }
            line += 1;
        }
        line
    }

    /// Reads one line from `state` on, which then is where the next begins.
    fn line(&self, text: &str, state: &mut State, out: Option<&mut String>) {
        match self.manner {
            Manner::Text => self.wrapped(text, state, 0, text.len(), out),
            Manner::Hex => hex(text, state, out),
            Manner::Json | Manner::Listed => self.nested(text, state, out),
        }
    }

    /// One line of what is left of a piece that ends at `end`, or at a line break before.
    fn wrapped(&self, text: &str, state: &mut State, indent: usize, end: usize, out: Option<&mut String>) {
        let room = self.width.saturating_sub(indent).max(4);
        let rest = &text[state.byte..end];
        let head = &rest[..rest.floor_char_boundary(room * LOOK)];
        let own = head.find('\n');
        let line = &head[..own.unwrap_or(head.len())];
        let whole = own.is_some() || head.len() == rest.len();
        // Most text is ASCII, of which a byte is a column.
        let plain = &line.as_bytes()[..line.len().min(room + 1)];
        let ascii = plain.iter().all(|byte| (0x20..0x7f).contains(byte));
        let (taken, fits) = match ascii {
            true if line.len() <= room => (line.len(), whole),
            true => (room, false),
            false => {
                let (mut taken, mut used) = (0, 0);
                for cluster in line.graphemes(true) {
                    used += visible(cluster).width();
                    if used > room && taken > 0 {
                        break;
                    }
                    taken += cluster.len();
                }
                (taken, whole && taken == line.len())
            }
        };
        let mut taken = taken;
        if !fits {
            // Broken at a space only where that leaves most of the line filled: long words are cut instead.
            if let Some(space) = line[..taken].rfind(' ').filter(|space| space * 2 > room) {
                taken = space + 1;
            }
        }
        if let Some(out) = out {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(&visible(line[..taken].strip_suffix('\r').unwrap_or(&line[..taken])));
        }
        state.byte += taken;
        state.goes_on = !fits;
        if fits && own.is_some() {
            state.byte += 1;
        }
    }

    /// One line of nested brackets: an opening one and what follows up to a comma, or a closing one.
    fn nested(&self, text: &str, state: &mut State, mut out: Option<&mut String>) {
        let json = self.manner == Manner::Json;
        let bytes = text.as_bytes();
        if !state.goes_on && json {
            while bytes.get(state.byte).is_some_and(u8::is_ascii_whitespace) {
                state.byte += 1;
            }
        }
        let opens = |at: usize| match bytes.get(at) {
            Some(b'{') => true,
            Some(b'[') => json,
            Some(b'(') => !json && at == 0,
            _ => false,
        };
        let shuts = |at: usize| match bytes.get(at) {
            Some(b'}') => true,
            Some(b']') => json,
            Some(b')') => !json && at + 1 == text.len(),
            _ => false,
        };
        let closes = !state.goes_on && shuts(state.byte);
        // Depth is the server's to choose, the screen is not.
        let indent = 2 * state.depth.saturating_sub(usize::from(closes)).min(self.width / 5);
        let room = self.width.saturating_sub(indent).max(4);
        let mut used = 0;
        let mut at = state.byte;
        let mut line = String::new();
        let wants = out.is_some();
        let mut done = false;
        // JSON's white space says nothing; in an array or a composite value it may be of an element.
        while at < text.len() && !done {
            let byte = bytes[at];
            if state.quoted {
                let length = match byte {
                    b'\\' => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
                    _ => text[at..].chars().next().map_or(1, char::len_utf8),
                };
                let piece = &text[at..at + length];
                let wide = if piece.is_ascii() { length } else { piece.width() };
                if used + wide > room && used > 0 {
                    break;
                }
                state.quoted = byte != b'"';
                push(wants, &mut line, piece);
                (used, at) = (used + wide, at + length);
                continue;
            }
            match byte {
                byte if json && byte.is_ascii_whitespace() => {
                    at += 1;
                    continue;
                }
                _ if opens(at) => {
                    if used + 2 > room && used > 0 {
                        break;
                    }
                    push(wants, &mut line, &text[at..at + 1]);
                    used += 1;
                    at += 1;
                    let rest = &text[at..];
                    let after = if json { rest.len() - rest.trim_start().len() } else { 0 };
                    if shuts(at + after) {
                        push(wants, &mut line, &text[at + after..at + after + 1]);
                        at += after + 1;
                        used += 1;
                        continue;
                    }
                    state.depth += 1;
                    done = true;
                }
                _ if shuts(at) => {
                    // On a line of its own.
                    if used > 0 || !closes {
                        break;
                    }
                    state.depth = state.depth.saturating_sub(1);
                    push(wants, &mut line, &text[at..at + 1]);
                    (used, at) = (used + 1, at + 1);
                }
                b',' => {
                    push(wants, &mut line, ",");
                    at += 1;
                    done = true;
                }
                b':' if json => {
                    push(wants, &mut line, ": ");
                    (used, at) = (used + 2, at + 1);
                }
                _ => {
                    let length = text[at..].chars().next().map_or(1, char::len_utf8);
                    let piece = &text[at..at + length];
                    let wide = if piece.is_ascii() { length } else { piece.width() };
                    if used + wide > room && used > 0 {
                        break;
                    }
                    state.quoted = byte == b'"';
                    push(wants, &mut line, piece);
                    (used, at) = (used + wide, at + length);
                }
            }
        }
        let ended = done || at >= text.len() || (!state.quoted && shuts(at));
        state.goes_on = !ended;
        if json {
            while !state.goes_on && bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
        }
        state.byte = at.max(state.byte + usize::from(at == state.byte && at < text.len()));
        if let Some(out) = &mut out {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(&visible(&line));
        }
    }
}

fn push(wants: bool, line: &mut String, piece: &str) {
    if wants {
        line.push_str(piece);
    }
}

/// Sixteen bytes of `\x…`; an odd digit at the end is shown as it is.
fn hex(text: &str, state: &mut State, out: Option<&mut String>) {
    let start = state.byte.max(2).min(text.len());
    let end = (start + 32).min(text.len());
    state.byte = end;
    let Some(out) = out else { return };
    let digits = &text.as_bytes()[start..end];
    let nibble = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    out.push_str(&format!("{:08x} ", (start - 2) / 2));
    let mut ascii = String::new();
    for (at, pair) in digits.chunks(2).enumerate() {
        out.push_str(if at == 8 { "  " } else { " " });
        out.push_str(&String::from_utf8_lossy(pair));
        if let [high, low] = pair {
            let byte = nibble(*high) * 16 + nibble(*low);
            ascii.push(if (0x20..0x7f).contains(&byte) { byte as char } else { '·' });
        }
    }
    let count = digits.len().div_ceil(2);
    out.extend(std::iter::repeat_n(' ', 3 * (16 - count) + usize::from(count <= 8) + 2));
    out.push_str(&ascii);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(manner: Manner, width: usize, text: &str) -> Vec<String> {
        let mut reading = Reading::new(manner, width);
        reading.extend(text, usize::MAX, usize::MAX);
        assert!(reading.is_whole());
        reading.lines(text, 0, usize::MAX / 2)
    }

    #[test]
    fn json_is_laid_out_without_touching_values() {
        let laid =
            all(Manner::Json, 60, r#"{"b":1.50,"a":[1,{"x":"a,\"b:{"}],"e":{ },"n":12345678901234567890123,"n":2}"#);
        let expected = r#"{
  "b": 1.50,
  "a": [
    1,
    {
      "x": "a,\"b:{"
    }
  ],
  "e": {},
  "n": 12345678901234567890123,
  "n": 2
}"#;
        assert_eq!(laid.join("\n"), expected);
        assert_eq!(all(Manner::Json, 60, " [ ] "), ["[]"]);
        assert_eq!(all(Manner::Json, 60, "null"), ["null"]);
    }

    #[test]
    fn arrays_and_composite_values_are_lists() {
        assert_eq!(
            all(Manner::Listed, 60, r#"{{1,"a, }b"},{NULL,"x\"y"}}"#),
            ["{", "  {", "    1,", "    \"a, }b\"", "  },", "  {", "    NULL,", "    \"x\\\"y\"", "  }", "}"]
        );
        assert_eq!(all(Manner::Listed, 60, "(1,\"a b\",,t)"), ["(", "  1,", "  \"a b\",", "  ,", "  t", ")"]);
        assert_eq!(all(Manner::Listed, 60, "{}"), ["{}"]);
        assert_eq!(Reading::manner(1007, "{1,2}", false), Manner::Listed);
        assert_eq!(Reading::manner(25, "{1,2}", false), Manner::Text);
        assert_eq!(Reading::manner(17, "escape\\001", false), Manner::Text);
    }

    #[test]
    fn bytea_is_a_hex_dump() {
        assert_eq!(
            all(Manner::Hex, 80, "\\x48656c6c6f2c20776f726c6421000102"),
            ["00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 00 01 02  Hello, world!···"]
        );
        assert_eq!(all(Manner::Hex, 80, "\\x4865"), [format!("00000000  48 65{:1$}He", "", 45)]);
    }

    #[test]
    fn text_is_wrapped_and_its_controls_are_symbols() {
        assert_eq!(all(Manner::Text, 8, "one two three"), ["one two ", "three"]);
        assert_eq!(all(Manner::Text, 4, "abcdefghij"), ["abcd", "efgh", "ij"]);
        assert_eq!(all(Manner::Text, 4, "a\r\n\nb"), ["a", "", "b"]);
        assert_eq!(all(Manner::Text, 4, "世界人"), ["世界", "人"]);
        assert_eq!(all(Manner::Text, 20, "a\x1b[0m\tb"), ["a␛[0m␉b"]);
    }

    #[test]
    fn ten_megabytes_open_by_what_is_looked_at() {
        let text = format!("[{}]", "{\"id\":1,\"words\":\"lorem ipsum\"},".repeat(330_000));
        let mut reading = Reading::new(Manner::Json, 80);
        reading.extend(&text, 50, 50);
        assert_eq!(reading.known(), 50);
        assert!(reading.reached() < 2_000 && !reading.is_whole());
        reading.extend(&text, usize::MAX, 10_000);
        assert_eq!(reading.known(), 10_050);
        let lines = reading.lines(&text, 10_000, 3);
        assert_eq!(lines.len(), 3);
        assert_eq!(reading.line_of(&text, 0), 0);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_character_is_lost(text in "\\PC{0,300}", width in 8..40_usize) {
            let lines = all(Manner::Text, width, &text);
            prop_assert_eq!(lines.concat(), visible(&text).into_owned());
            for line in &lines {
                prop_assert!(line.width() <= width, "{:?}", line);
            }
        }

        #[test]
        fn json_of_any_shape_stays_the_same_json(values in proptest::collection::vec(("\\PC{0,30}", any::<f64>()), 0..20), width in 20..80_usize) {
            let value: serde_json::Value = values.iter().map(|(words, number)| serde_json::json!([{words.clone(): number}, words])).collect();
            let text = value.to_string();
            let lines = all(Manner::Json, width, &text);
            let laid: String = lines.concat();
            let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeeze(&laid), squeeze(&visible(&text)));
            let mut reading = Reading::new(Manner::Json, width);
            reading.extend(&text, usize::MAX, usize::MAX);
            for (first, line) in lines.iter().enumerate().take(200) {
                prop_assert_eq!(&reading.lines(&text, first, 1)[0], line);
            }
        }
    }
}
