//! Keys as data: a key, its action, its label and its help line are one row of a table. The key line, the help screen
//! and README are made from the tables; nothing else in the console compares key codes. It must not know what an
//! action does.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// One row: what a key means in a context.
#[derive(Clone, Copy, Debug)]
pub struct Binding<A: 'static> {
    /// Names of the keys, the one to show first: `"F5"`, `"C-Enter"`, `"M-x"`, `"S-Tab"`, `"j"`, `"?"`, `"Space"`.
    pub keys: &'static [&'static str],
    /// What it means.
    pub action: A,
    /// A word or two for the key line; empty keeps it out of the line.
    pub label: &'static str,
    /// A sentence for the help screen.
    pub help: &'static str,
}

/// A row of any table without its action: what the key line and the help screen need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// See [`Binding::keys`].
    pub keys: &'static [&'static str],
    /// See [`Binding::label`].
    pub label: &'static str,
    /// See [`Binding::help`].
    pub help: &'static str,
}

/// The rows of `table`, for showing.
pub fn hints<A>(table: &'static [Binding<A>]) -> impl Iterator<Item = Hint> {
    table.iter().map(|row| Hint { keys: row.keys, label: row.label, help: row.help })
}

/// The rows of `table` that mean something now, for showing.
pub fn hints_where<A: Copy>(table: &'static [Binding<A>], means: impl Fn(A) -> bool) -> impl Iterator<Item = Hint> {
    hints(table).zip(table).filter(move |(_, row)| means(row.action)).map(|(hint, _)| hint)
}

/// A key's name as people read it: `C-Enter` is `Ctrl-↵`.
pub fn show(name: &str) -> String {
    let (modifiers, key) = match name.rfind('-') {
        Some(at) if at > 0 && at + 1 < name.len() => name.split_at(at + 1),
        _ => ("", name),
    };
    let modifiers = modifiers.replace("C-", "Ctrl-").replace("M-", "Alt-").replace("S-", "Shift-");
    let key = match key {
        "Enter" => "↵",
        "Up" => "↑",
        "Down" => "↓",
        "Left" => "←",
        "Right" => "→",
        "BackTab" => "Shift-Tab",
        "PageUp" => "PgUp",
        "PageDown" => "PgDn",
        "Delete" => "Del",
        other => other,
    };
    let key = if modifiers.contains("Ctrl-") && key.chars().count() == 1 { key.to_uppercase() } else { key.to_owned() };
    format!("{modifiers}{key}")
}

/// What `key` means by `table`.
pub fn find<A: Copy>(table: &[Binding<A>], key: &KeyEvent) -> Option<A> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    table.iter().find(|row| row.keys.iter().any(|name| matches(name, key))).map(|row| row.action)
}

/// Whether `name` names `key`. Shift is part of a character, and asked for only with named keys.
pub fn matches(name: &str, key: &KeyEvent) -> bool {
    let mut rest = name;
    let mut wanted = KeyModifiers::NONE;
    loop {
        let (modifier, tail) = match rest.as_bytes() {
            [b'C', b'-', _, ..] => (KeyModifiers::CONTROL, &rest[2..]),
            [b'M', b'-', _, ..] => (KeyModifiers::ALT, &rest[2..]),
            [b'S', b'-', _, ..] => (KeyModifiers::SHIFT, &rest[2..]),
            _ => break,
        };
        wanted |= modifier;
        rest = tail;
    }
    let mut single = rest.chars();
    if let (Some(c), None) = (single.next(), single.next()) {
        let held = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        return held == wanted - KeyModifiers::SHIFT
            && match key.code {
                KeyCode::Char(pressed) if wanted.contains(KeyModifiers::CONTROL) => pressed.eq_ignore_ascii_case(&c),
                KeyCode::Char(pressed) => pressed == c,
                _ => false,
            };
    }
    let code = match rest {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "BackTab" => KeyCode::BackTab,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Delete" => KeyCode::Delete,
        "Insert" => KeyCode::Insert,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "PageUp" => KeyCode::PageUp,
        "PageDown" => KeyCode::PageDown,
        other => match other.strip_prefix('F').and_then(|n| n.parse().ok()) {
            Some(n) => KeyCode::F(n),
            None => return false,
        },
    };
    let relevant = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
    let mut held = key.modifiers & relevant;
    if matches!(key.code, KeyCode::BackTab) {
        held -= KeyModifiers::SHIFT;
    }
    key.code == code && held == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_people_read_them() {
        for (name, shown) in
            [("C-Enter", "Ctrl-↵"), ("C-r", "Ctrl-R"), ("-", "-"), ("M-x", "Alt-x"), ("F5", "F5"), ("G", "G")]
        {
            assert_eq!(show(name), shown);
        }
    }

    #[test]
    fn names_match_what_terminals_send() {
        let key = |code, modifiers| KeyEvent::new(code, modifiers);
        assert!(matches("C-r", &key(KeyCode::Char('r'), KeyModifiers::CONTROL)));
        assert!(!matches("r", &key(KeyCode::Char('r'), KeyModifiers::CONTROL)));
        assert!(matches("G", &key(KeyCode::Char('G'), KeyModifiers::SHIFT)));
        assert!(matches("?", &key(KeyCode::Char('?'), KeyModifiers::SHIFT)));
        assert!(matches("C-Enter", &key(KeyCode::Enter, KeyModifiers::CONTROL)));
        assert!(!matches("Enter", &key(KeyCode::Enter, KeyModifiers::CONTROL)));
        assert!(matches("F5", &key(KeyCode::F(5), KeyModifiers::NONE)));
        assert!(matches("BackTab", &key(KeyCode::BackTab, KeyModifiers::SHIFT)));
        assert!(matches("-", &key(KeyCode::Char('-'), KeyModifiers::NONE)));
    }
}
