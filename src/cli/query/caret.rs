//! The line of SQL that an error points at, with a caret under the character, as psql shows it. It must not know the
//! error.

use crate::model::visible;
use unicode_width::UnicodeWidthStr;

/// Characters of a line that are shown around the caret: fits a terminal of 80 columns with the prefix.
const SHOWN: usize = 66;

/// `LINE n: text` and the caret. `at` counts characters of `statement` from 0; `first_line` is the line it begins on.
/// `None` when `at` is outside.
pub fn lines(statement: &str, at: usize, first_line: usize) -> Option<String> {
    let offset = statement.char_indices().map(|(offset, _)| offset).chain([statement.len()]).nth(at)?;
    let begin = statement[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let end = statement[offset..].find('\n').map_or(statement.len(), |newline| offset + newline);
    let number = first_line + statement[..begin].matches('\n').count();

    let before: Vec<char> = statement[begin..offset].chars().collect();
    let after: Vec<char> = statement[offset..end].trim_end().chars().collect();
    // Two thirds before the caret, one behind it; what is left over on one side goes to the other.
    let behind = after.len().min((SHOWN / 3).max(SHOWN.saturating_sub(before.len())));
    let ahead = before.len().min(SHOWN - behind);
    let (left, right) = (ahead < before.len(), behind < after.len());
    let head: String = before[before.len() - ahead..].iter().collect();
    let tail: String = after[..behind].iter().collect();
    let head = format!("{}{}", if left { "…" } else { "" }, visible(&head));
    let prefix = format!("LINE {number}: ");
    let caret = " ".repeat(prefix.width() + head.width());
    Some(format!("{prefix}{head}{}{}\n{caret}^", visible(&tail), if right { "…" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_under_the_character() {
        assert_eq!(lines("select nope", 7, 1).as_deref(), Some("LINE 1: select nope\n               ^"));
        assert_eq!(lines("select 1,\n\tnöpe, x\nfrom t", 11, 4).as_deref(), Some("LINE 5: ␉nöpe, x\n         ^"));
        assert_eq!(lines("select", 6, 1).as_deref(), Some("LINE 1: select\n              ^"), "at the end");
        assert_eq!(lines("select", 7, 1), None);
    }

    #[test]
    fn wide_characters_move_it() {
        assert_eq!(
            lines("select '漢字', nope", 13, 1).as_deref(),
            Some("LINE 1: select '漢字', nope\n                       ^")
        );
    }

    #[test]
    fn long_lines_are_cut_around_it() {
        let text = format!("select {} nope {}", "a, ".repeat(100), "b".repeat(200));
        let at = text.find("nope").expect("there");
        let shown = lines(&text, at, 1).expect("inside");
        let (line, caret) = shown.split_once('\n').expect("two lines");
        assert!(line.chars().count() <= 80, "{line}");
        let under: String = line.chars().skip(caret.chars().count() - 1).take(4).collect();
        assert_eq!(under, "nope");
    }
}
