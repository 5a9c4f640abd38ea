//! Anything a server sends is data: control characters become symbols before they can reach a terminal.

use std::borrow::Cow;

/// `text` with every control character replaced by a visible symbol (U+2400 block; `␤` for a line feed), and every
/// character that reorders or hides text (bidirectional controls, zero-width marks that are not joiners) by `�`.
/// Borrowed when there is nothing to replace, as is usual.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(symbol).collect())
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || is_hidden(c)
}

fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{200b}' | '\u{2028}' | '\u{2029}')
}

fn symbol(c: char) -> char {
    match c {
        '\n' => '␤',
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '␡',
        c if is_unsafe(c) => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_survives() {
        assert_eq!(visible("plain ünïcode"), "plain ünïcode");
        assert_eq!(visible("a\x1b]0;x\x07b\r\n\u{9b}\u{202e}"), "a␛]0;x␇b␍␤\u{fffd}\u{fffd}");
        for c in (0..=0x10ffff).filter_map(char::from_u32) {
            assert!(!visible(&c.to_string()).chars().any(char::is_control), "{c:?}");
        }
    }
}
