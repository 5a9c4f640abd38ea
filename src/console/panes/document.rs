//! Text to read and copy from: an IAM policy, all details of a database. It must not know what the text is about.

use super::fleet;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::text;
use crate::model::{Policy, Scope};
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
    /// Each can be copied by its number.
    Parts(Vec<Part>),
    /// Labels and values.
    Fields(Vec<(String, String)>),
}

/// A text under a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub heading: String,
    /// What it means; not copied.
    pub note: String,
    /// The text.
    pub text: String,
}

impl Pane {
    /// The pieces of a policy.
    pub fn policy(user: &str, policy: &Policy) -> Pane {
        let of = |scope: Scope| match scope {
            Scope::User => "IAM policy: this user, this database",
            Scope::UserEverywhere => "IAM policy: this user, every database",
            Scope::Database => "IAM policy: any user, this database",
            Scope::Everything => "IAM policy: any user, every database",
        };
        let part = |heading: &str, note: &str, text: &str| Part {
            heading: heading.to_owned(),
            note: note.to_owned(),
            text: text.to_owned(),
        };
        let scoped = |scope: Scope| {
            let scoped = policy.of(scope);
            part(of(scope), &scoped.meaning, &scoped.document)
        };
        let trust = &policy.trust;
        // In one part: there are no more keys than ten.
        let proxy = match &policy.proxy[..] {
            [] => None,
            [(what, text)] => Some(part("What the proxy needs besides", what, text)),
            several => {
                let text: Vec<String> = several.iter().map(|(what, text)| format!("# {what}:\n{text}")).collect();
                let note = "It logs in to the database with this secret's password.";
                Some(part("What the proxy needs besides", note, &text.join("\n\n")))
            }
        };
        let who = match proxy {
            Some(_) => "For a user of the database behind the proxy who may create roles.",
            None => "For a user of the database who may create roles.",
        };
        let head = [scoped(Scope::User), part("SQL that lets the user in", who, &policy.sql)];
        let rest = [
            part("Grants asked for next", "Take what is needed.", &policy.grants_script()),
            part("Trust of a role to assume", &trust.meaning, &trust.document),
            part("IAM policy of those who assume it", "", &trust.assume),
            part("Profile in ~/.aws/config", "", &trust.profile),
            scoped(Scope::UserEverywhere),
            scoped(Scope::Database),
            scoped(Scope::Everything),
        ];
        let parts = head.into_iter().chain(proxy).chain(rest).collect();
        Pane { title: format!("IAM login of {user}"), content: Content::Parts(parts), scroll: 0 }
    }

    /// Labels and values.
    pub fn fields(title: String, lines: Vec<fleet::Line>) -> Pane {
        let fields = lines.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
        Pane { title, content: Content::Fields(fields), scroll: 0 }
    }

    /// The n-th part, from 0, and what it is; of fields, all of them.
    pub fn part(&self, n: usize) -> Option<(String, String)> {
        match &self.content {
            Content::Parts(parts) => parts.get(n).map(|part| (part.text.clone(), part.heading.clone())),
            Content::Fields(fields) if n == 0 => {
                let text = fields.iter().map(|(label, value)| format!("{label}\t{value}\n")).collect();
                Some((text, self.title.clone()))
            }
            Content::Fields(_) => None,
        }
    }

    /// The part that begins on a screen of so many columns and lines, else the one that fills it.
    pub fn shown(&self, width: u16, height: usize) -> usize {
        let Content::Parts(parts) = &self.content else { return 0 };
        let mut begins = 0;
        let mut above = 0;
        for (at, part) in parts.iter().enumerate() {
            if begins >= self.scroll {
                return if begins < self.scroll + height { at } else { above };
            }
            above = at;
            begins += part.lines(at, width.into()).len() + 1;
        }
        above
    }

    /// Its lines in so many columns.
    pub fn lines(&self, width: u16) -> Vec<Vec<Run>> {
        let mut lines = Vec::new();
        match &self.content {
            Content::Parts(parts) => {
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        lines.push(Vec::new());
                    }
                    lines.extend(part.lines(at, width.into()));
                }
            }
            Content::Fields(fields) => {
                for (label, value) in fields {
                    for (at, line) in text::wrap(value, usize::from(width).saturating_sub(12)).into_iter().enumerate() {
                        let label = if at == 0 { label.as_str() } else { "" };
                        lines.push(vec![run(text::fit(label, 12), Tone::Dim), run(line, Tone::Text)]);
                    }
                }
            }
        }
        lines
    }
}

impl Part {
    fn lines(&self, at: usize, width: usize) -> Vec<Vec<Run>> {
        // The key that copies it: the tenth is 0.
        let number = run(format!("{} ", (at + 1) % 10), Tone::Accent);
        let mut lines = vec![vec![number, run(self.heading.clone(), Tone::Strong)]];
        if !self.note.is_empty() {
            let note = text::wrap(&self.note, width.saturating_sub(2));
            lines.extend(note.into_iter().map(|line| vec![run("  ", Tone::Text), run(line, Tone::Dim)]));
        }
        let body = self.text.lines().flat_map(|line| text::wrap(line, width.saturating_sub(2)));
        lines.extend(body.map(|line| vec![run("  ", Tone::Text), run(line, Tone::Text)]));
        lines
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let inner = paint::frame(frame, area, &pane.title, theme);
    super::diagnosis::draw(frame, inner, &pane.lines(inner.width), pane.scroll, theme);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Scoped, Trust};

    #[test]
    fn what_a_proxy_needs_is_one_part_and_the_tenth_part_is_0() {
        let text = String::new;
        let scoped = |scope| Scoped { scope, meaning: text(), resource: text(), document: format!("{scope:?}") };
        let trust = Trust { meaning: text(), document: text(), assume: text(), profile: text() };
        let pairs = |count: usize| (0..count).map(|n| (format!("what {n}"), format!("text {n}"))).collect();
        let policy = |count| Policy {
            scopes: Scope::ALL.map(scoped).to_vec(),
            trust: trust.clone(),
            sql: "SQL".to_owned(),
            proxy: pairs(count),
            grants: Vec::new(),
        };
        let part = |pane: &Pane, n| pane.part(n).map(|(text, _)| text).unwrap_or_default();
        let pane = Pane::policy("oncall", &policy(0));
        assert_eq!((part(&pane, 8).as_str(), pane.part(9)), ("Everything", None));
        let pane = Pane::policy("oncall", &policy(1));
        assert_eq!((part(&pane, 2).as_str(), part(&pane, 9).as_str()), ("text 0", "Everything"));
        let pane = Pane::policy("oncall", &policy(2));
        assert_eq!(part(&pane, 2), "# what 0:\ntext 0\n\n# what 1:\ntext 1");
        let shown: Vec<String> =
            pane.lines(60).iter().map(|line| line.iter().map(|run| run.0.as_str()).collect()).collect();
        assert!(shown.iter().any(|line| line.starts_with("0 IAM policy: any user, every database")), "{shown:?}");
    }
}
