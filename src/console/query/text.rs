//! Text cut to columns of a screen: every width here is counted in terminal cells, control characters are shown as symbols,
//! and no more of a text is looked at than could be shown, so that a cell of megabytes costs what its first line costs. It
//! must not know what is drawn.

use crate::model::visible;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// As much of `text` as fits `width` columns, `…` at its end where something was left out; and its width.
pub fn cut(text: &str, width: usize) -> (String, usize) {
    let head = head(text, width);
    let whole = head.len() == text.len();
    if whole && head.is_ascii() && head.len() <= width && !head.contains(|c: char| c.is_ascii_control()) {
        return (head.to_owned(), head.len());
    }
    let shown = visible(head);
    let mut out = String::with_capacity(shown.len());
    let (mut used, mut safe) = (0, (0, 0));
    for cluster in shown.graphemes(true) {
        let wide = cluster.width();
        if used + wide > width {
            out.truncate(safe.0);
            if width > 0 {
                out.push('…');
            }
            return (out, (safe.1 + 1).min(width));
        }
        out.push_str(cluster);
        used += wide;
        if used < width {
            safe = (out.len(), used);
        }
    }
    if !whole {
        out.truncate(safe.0);
        out.push('…');
        used = safe.1 + 1;
    }
    (out, used)
}

/// Columns that `text` takes when shown, at most `most`.
pub fn width(text: &str, most: usize) -> usize {
    let head = head(text, most);
    if head.is_ascii() && !head.contains(|c: char| c.is_ascii_control()) {
        return head.len().min(most);
    }
    visible(head).width().min(most)
}

/// What of a line that is visible already comes from column `left` on; a space for half of a wide character.
pub fn from_column(line: &str, left: usize) -> std::borrow::Cow<'_, str> {
    if left == 0 {
        return line.into();
    }
    let mut used = 0;
    for (at, cluster) in line.grapheme_indices(true) {
        if used >= left {
            return match used - left {
                0 => line[at..].into(),
                over => format!("{}{}", " ".repeat(over), &line[at..]).into(),
            };
        }
        used += cluster.width();
    }
    "".into()
}

/// `text` broken into lines of at most `width` columns, at its own line breaks and, where there is one, at a space.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for own in text.split('\n') {
        let own = visible(own.strip_suffix('\r').unwrap_or(own));
        let (mut line, mut used, mut space) = (String::new(), 0, None::<(usize, usize)>);
        for cluster in own.graphemes(true) {
            let wide = cluster.width();
            if used + wide > width {
                // Breaking at a space only where that leaves most of the line filled: long words are cut instead.
                match space.filter(|(_, at)| *at * 2 > width && cluster != " ") {
                    Some((byte, at)) => {
                        let rest = line.split_off(byte);
                        lines.push(std::mem::replace(&mut line, rest));
                        used -= at;
                    }
                    None => {
                        lines.push(std::mem::take(&mut line));
                        used = 0;
                    }
                }
                space = None;
            }
            line.push_str(cluster);
            used += wide;
            if cluster == " " {
                space = Some((line.len(), used));
            }
        }
        lines.push(line);
    }
    lines
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size in bytes, for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} kB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MB", bytes >> 20),
        _ => format!("{:.1} GB", bytes as f64 / (1u64 << 30) as f64),
    }
}

/// A duration, for people.
pub fn duration(took: std::time::Duration) -> String {
    let millis = took.as_millis();
    match millis {
        0 => format!("{:.1} ms", took.as_secs_f64() * 1000.0),
        1..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{:.1} s", took.as_secs_f64()),
        _ => format!("{}:{:02} min", millis / 60_000, millis / 1000 % 60),
    }
}

/// How long a statement took, with what can be told apart: `182 ms (server 120 ms, network 21 ms, first row 141 ms)`.
pub fn timing(timing: &super::order::Timing) -> String {
    let mut parts = Vec::new();
    let answered = timing.first.unwrap_or(timing.total);
    // A line that was slower when it was measured tells nothing of this statement.
    if let Some((server, network)) = timing.network.and_then(|way| Some((answered.checked_sub(way)?, way))) {
        parts.push(format!("server {}", duration(server)));
        parts.push(format!("network {}", duration(network)));
    }
    parts.extend(timing.first.map(|first| format!("first row {}", duration(first))));
    let total = duration(timing.total);
    if parts.is_empty() { total } else { format!("{total} ({})", parts.join(", ")) }
}

/// The time of day, in UTC: `12:30:05Z`.
pub fn clock(at: std::time::SystemTime) -> String {
    let seconds = at.duration_since(std::time::SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()) % 86_400;
    format!("{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How long something has lasted, in whole seconds.
pub fn seconds(lasted: std::time::Duration) -> String {
    match lasted.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{}:{:02} min", seconds / 60, seconds % 60),
    }
}

/// The beginning of `text` that could matter to `width` columns: combining marks add characters without width, so some
/// more than as many characters are looked at.
fn head(text: &str, width: usize) -> &str {
    let most = 8 * width + 64;
    if text.len() <= most { text } else { &text[..text.floor_char_boundary(most)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_to_columns_not_characters() {
        assert_eq!(cut("hello", 5), ("hello".to_owned(), 5));
        assert_eq!(cut("hello", 4), ("hel…".to_owned(), 4));
        assert_eq!(cut("世界", 4), ("世界".to_owned(), 4));
        assert_eq!(cut("世界人", 4), ("世…".to_owned(), 3));
        assert_eq!(cut("世界人", 5), ("世界…".to_owned(), 5));
        assert_eq!(cut("a\tb\nc\x1b[31m", 20), ("a␉b␤c␛[31m".to_owned(), 10));
        assert_eq!(cut("e\u{301}e\u{301}", 2), ("e\u{301}e\u{301}".to_owned(), 2));
        assert_eq!(cut("ab", 0), (String::new(), 0));
        let long = "x".repeat(10 << 20);
        assert_eq!(cut(&long, 3), ("xx…".to_owned(), 3));
        assert_eq!(width(&long, 1000), 1000);
        assert_eq!(width("世界", 9), 4);
    }

    #[test]
    fn text_is_wrapped_at_spaces_where_that_fills_lines() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\r\n\nb", 4), ["a", "", "b"]);
        assert_eq!(wrap("世界人", 4), ["世界", "人"]);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1234), "1,234");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}
