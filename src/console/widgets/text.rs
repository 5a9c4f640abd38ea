//! Text measured as a terminal shows it: cutting, padding, wrapping, and times in words. It must not know styles.

use crate::model::visible;
use std::borrow::Cow;
use std::time::{Duration, SystemTime};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text`, safe for a terminal, in at most `max` columns; `…` stands for what was cut at the end.
pub fn truncate(text: &str, max: usize) -> Cow<'_, str> {
    let text = visible(text);
    if width(&text) <= max {
        return text;
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut kept = head(&text, max - 1).to_owned();
    kept.push('…');
    Cow::Owned(kept)
}

/// As [`truncate`], but cut in the middle: host names tell their database at the front and their port at the end.
pub fn truncate_middle(text: &str, max: usize) -> Cow<'_, str> {
    let text = visible(text);
    if width(&text) <= max {
        return text;
    }
    if max < 8 {
        return Cow::Owned(truncate(&text, max).into_owned());
    }
    let back = (max - 1) / 3;
    let front = head(&text, max - 1 - back);
    let mut taken = 0;
    let mut start = text.len();
    for (at, cluster) in text.grapheme_indices(true).rev() {
        taken += width(cluster);
        if taken > back {
            break;
        }
        start = at;
    }
    Cow::Owned(format!("{front}…{}", &text[start..]))
}

/// The longest front of `text` within `max` columns.
fn head(text: &str, max: usize) -> &str {
    let mut taken = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        taken += width(cluster);
        if taken > max {
            return &text[..at];
        }
    }
    text
}

/// `text` cut and filled with spaces to exactly `columns`.
pub fn fit(text: &str, columns: usize) -> String {
    let cut = truncate(text, columns);
    let fill = columns.saturating_sub(width(&cut));
    format!("{cut}{:fill$}", "")
}

/// `text` in lines of at most `columns`, broken between words where there are any, else anywhere. Line feeds of the text
/// stay line ends; other control characters become visible.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let paragraph = visible(paragraph.trim_end_matches('\r'));
        let indent: String = paragraph.chars().take_while(|c| *c == ' ').take(columns / 2).collect();
        let mut line = indent.clone();
        let mut words = 0;
        for word in paragraph.trim_start().split(' ') {
            let gap = usize::from(words > 0);
            if words > 0 && width(&line) + gap + width(word) > columns {
                lines.push(std::mem::replace(&mut line, indent.clone()));
                words = 0;
            }
            if words > 0 {
                line.push(' ');
            }
            let mut rest = word;
            while width(&line) + width(rest) > columns {
                let front = head(rest, columns.saturating_sub(width(&line)));
                let front = if front.is_empty() { rest.graphemes(true).next().unwrap_or(rest) } else { joint(front) };
                line.push_str(front);
                rest = &rest[front.len()..];
                lines.push(std::mem::replace(&mut line, indent.clone()));
                if rest.is_empty() {
                    break;
                }
            }
            line.push_str(rest);
            words += 1;
        }
        lines.push(line);
    }
    lines
}

/// The front of a host name or ARN up to where it reads well to break it, if that leaves no more than half of it.
fn joint(front: &str) -> &str {
    let late = |at: &usize| at * 2 >= front.len();
    let at = front.rfind('.').filter(late).or_else(|| front.rfind([':', '/']).filter(late));
    at.map_or(front, |at| &front[..=at])
}

/// How long something took: `12 ms`, `1.2 s`, `2 min 5 s`.
pub fn took(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// How long ago: `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`.
pub fn ago(duration: Duration) -> String {
    match duration.as_secs() {
        0..3 => "just now".to_owned(),
        s @ 3..60 => format!("{s} s ago"),
        s @ 60..3_600 => format!("{} min ago", s / 60),
        s @ 3_600..86_400 => format!("{} h ago", s / 3_600),
        s => format!("{} d ago", s / 86_400),
    }
}

/// The date of `time` in UTC, `2061-05-24`.
pub fn date(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| "?".to_owned(), |stamp| stamp.strftime("%Y-%m-%d").to_string())
}

/// Bytes in words: `812 B`, `12.4 kB`, `3.1 MB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_by_columns_not_characters() {
        assert_eq!(truncate("orders-prod", 6), "order…");
        assert_eq!(truncate("注文データ", 5), "注文…");
        assert_eq!(truncate("abc", 3), "abc");
        assert_eq!(truncate("a\x1b[31m", 20), "a␛[31m");
        assert_eq!(truncate("abc", 0), "");
        assert_eq!(fit("注", 4), "注  ");
    }

    #[test]
    fn a_host_keeps_its_port() {
        let cut = truncate_middle("orders-prod.cluster-c9abcdefghij.eu-west-1.rds.amazonaws.com:5432", 40);
        assert_eq!(width(&cut), 40);
        assert!(cut.starts_with("orders-prod.cluster-c9"), "{cut}");
        assert!(cut.ends_with("aws.com:5432"), "{cut}");
    }

    #[test]
    fn wraps_between_words_and_breaks_what_has_none() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(
            wrap("billing.c9akciq32.eu-west-1.rds.com:5432", 20),
            ["billing.c9akciq32.", "eu-west-1.rds.", "com:5432"]
        );
        assert_eq!(wrap("a\n\n  b c", 10), ["a", "", "  b c"]);
        assert_eq!(wrap("注文注文", 3), ["注", "文", "注", "文"]);
        assert_eq!(wrap("注", 1), ["注", ""]);
    }

    #[test]
    fn times_in_words() {
        assert_eq!(took(Duration::from_millis(12)), "12 ms");
        assert_eq!(took(Duration::from_millis(1_290)), "1.2 s");
        assert_eq!(ago(Duration::from_secs(7_300)), "2 h ago");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(999_990), "1.0 MB");
        assert_eq!(date(SystemTime::UNIX_EPOCH), "1970-01-01");
    }
}
