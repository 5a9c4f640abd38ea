//! Styles by meaning, not by colour. One accent, dim for what is secondary, red only for danger. Colours are the
//! terminal's own sixteen and its grey ramp, so that they fit any palette; meaning is never carried by colour alone. It must not know what
//! is drawn with it.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    Text,
    /// Secondary text: labels, rules, units.
    Dim,
    /// A heading, the selected thing's name.
    Strong,
    /// The one accent: cursor bars, active tab, links between key and label.
    Accent,
    /// Good and done.
    Good,
    /// Worth a look: pending, slow, warning.
    Warn,
    /// Danger: failure, production, a writable session.
    Bad,
    /// The selected row or cell.
    Selected,
    /// A match of a search.
    Match,
    /// SQL: keyword.
    Keyword,
    /// SQL: string literal.
    Literal,
    /// SQL: number.
    Number,
    /// SQL: comment.
    Comment,
    /// SQL: quoted identifier.
    Identifier,
    /// NULL in a result.
    Null,
}

/// Turns tones into styles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// False for `NO_COLOR`: modifiers only.
    pub color: bool,
}

impl Theme {
    /// The style of a tone.
    pub fn style(self, tone: Tone) -> Style {
        let plain = Style::new();
        let modified = match tone {
            Tone::Text | Tone::Good | Tone::Literal | Tone::Number | Tone::Identifier => plain,
            Tone::Dim | Tone::Comment | Tone::Null => plain.add_modifier(Modifier::DIM),
            Tone::Strong | Tone::Accent | Tone::Keyword => plain.add_modifier(Modifier::BOLD),
            Tone::Warn => plain.add_modifier(Modifier::ITALIC),
            Tone::Bad => plain.add_modifier(Modifier::BOLD),
            Tone::Selected | Tone::Match => plain.add_modifier(Modifier::REVERSED),
        };
        if !self.color {
            return modified;
        }
        match tone {
            Tone::Text | Tone::Identifier => plain,
            Tone::Strong => modified,
            // The middle of the grey ramp can be read on black and on white; "bright black" vanishes in some palettes.
            Tone::Dim | Tone::Comment | Tone::Null => plain.fg(Color::Indexed(245)),
            Tone::Accent => plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
            Tone::Good => plain.fg(Color::Green),
            Tone::Warn => plain.fg(Color::Yellow),
            Tone::Bad => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            // Both colours, so that it can be read whatever the terminal's own are.
            Tone::Selected => plain.fg(Color::Indexed(255)).bg(Color::Indexed(238)),
            Tone::Match => plain.fg(Color::Black).bg(Color::Yellow),
            Tone::Keyword => plain.fg(Color::Cyan),
            Tone::Literal => plain.fg(Color::Green),
            Tone::Number => plain.fg(Color::Magenta),
        }
    }
}
