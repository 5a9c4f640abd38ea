//! The keys of where one is, made from the key tables. It must not know a key by itself.

use crate::console::keys::show;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::text;
use ratatui::Frame;
use ratatui::layout::Rect;

/// One line: keys and what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Names of the keys.
    pub keys: &'static [&'static str],
    /// What they do.
    pub help: &'static str,
}

/// A heading and its lines.
pub type Section = (&'static str, Vec<Row>);

/// The help screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pane {
    /// What is shown.
    pub sections: Vec<Section>,
    /// Lines above the screen.
    pub scroll: usize,
}

impl Pane {
    /// Its lines in so many columns.
    pub fn lines(&self, width: u16) -> Vec<Vec<Run>> {
        let mut lines = Vec::new();
        for (at, (heading, rows)) in self.sections.iter().enumerate() {
            if at > 0 {
                lines.push(Vec::new());
            }
            lines.push(vec![run(*heading, Tone::Strong)]);
            for row in rows {
                let keys: Vec<String> = row.keys.iter().take(3).map(|key| show(key)).collect();
                let help = text::wrap(row.help, usize::from(width).saturating_sub(22).max(10));
                for (at, help) in help.into_iter().enumerate() {
                    let keys = if at == 0 { keys.join(" ") } else { String::new() };
                    lines.push(vec![run(format!("  {} ", text::fit(&keys, 18)), Tone::Accent), run(help, Tone::Text)]);
                }
            }
        }
        lines
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let inner = paint::frame(frame, area, "keys", theme);
    super::diagnosis::draw(frame, inner, &pane.lines(inner.width), pane.scroll, theme);
}
