//! Text to read and copy from: an IAM policy, all details of a database. It must not know what the text is about.

use super::fleet;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::text;
use crate::model::Policy;
use ratatui::Frame;
use ratatui::layout::Rect;

/// A text, scrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// The box's title.
    pub title: String,
    /// What it holds.
    pub content: Content,
    /// Lines above the screen.
    pub scroll: usize,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Headings with text; each can be copied by its number.
    Parts(Vec<(String, String)>),
    /// Labels and values.
    Fields(Vec<(String, String)>),
}

impl Pane {
    /// The pieces of a policy.
    pub fn policy(user: &str, policy: &Policy) -> Pane {
        let parts = vec![
            ("IAM policy".to_owned(), policy.document.clone()),
            ("SQL that lets the user in".to_owned(), policy.sql.clone()),
            ("Grants asked for next".to_owned(), policy.grants.clone()),
        ];
        Pane { title: format!("IAM login of {user}"), content: Content::Parts(parts), scroll: 0 }
    }

    /// Labels and values.
    pub fn fields(title: String, lines: Vec<fleet::Line>) -> Pane {
        let fields = lines.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
        Pane { title, content: Content::Fields(fields), scroll: 0 }
    }

    /// The n-th part, from 0; of fields, all of them.
    pub fn part(&self, n: usize) -> Option<String> {
        match &self.content {
            Content::Parts(parts) => parts.get(n).map(|(_, text)| text.clone()),
            Content::Fields(fields) if n == 0 => {
                Some(fields.iter().map(|(label, value)| format!("{label}\t{value}\n")).collect())
            }
            Content::Fields(_) => None,
        }
    }

    /// Its lines in so many columns.
    pub fn lines(&self, width: u16) -> Vec<Vec<Run>> {
        let mut lines = Vec::new();
        let width = usize::from(width);
        match &self.content {
            Content::Parts(parts) => {
                for (at, (heading, body)) in parts.iter().enumerate() {
                    if at > 0 {
                        lines.push(Vec::new());
                    }
                    let number = run(format!("{} ", at + 1), Tone::Accent);
                    lines.push(vec![number, run(heading.clone(), Tone::Strong)]);
                    let body = body.lines().flat_map(|line| text::wrap(line, width.saturating_sub(2)));
                    lines.extend(body.map(|line| vec![run("  ", Tone::Text), run(line, Tone::Text)]));
                }
            }
            Content::Fields(fields) => {
                for (label, value) in fields {
                    for (at, line) in text::wrap(value, width.saturating_sub(12)).into_iter().enumerate() {
                        let label = if at == 0 { label.as_str() } else { "" };
                        lines.push(vec![run(text::fit(label, 12), Tone::Dim), run(line, Tone::Text)]);
                    }
                }
            }
        }
        lines
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let inner = paint::frame(frame, area, &pane.title, theme);
    super::diagnosis::draw(frame, inner, &pane.lines(inner.width), pane.scroll, theme);
}
