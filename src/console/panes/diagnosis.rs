//! A failure on screen: what happened, because of what, what to try, with what can be copied. Used alone, over a pane, and
//! within the way. It must not know what failed.

use crate::console::keys::Binding;
use crate::console::layout;
use crate::console::panes::{fleet, lines};
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::list::Move;
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::text;
use crate::model::{Act, Advice, Diagnosis, Turn};
use ratatui::Frame;
use ratatui::layout::Rect;

/// A diagnosis and how far it is scrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// What is shown.
    pub diagnosis: Diagnosis,
    /// Lines above the screen.
    pub scroll: usize,
}

/// What a key means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Copy the n-th thing that can be pasted, from 0.
    Copy(usize),
    /// Scroll.
    Scroll(Move),
    /// Away with it.
    Close,
}

/// The keys of a diagnosis.
pub const KEYS: &[Binding<Action>] = &[
    Binding {
        keys: &["y", "1"],
        action: Action::Copy(0),
        label: "copy the advice",
        help: "Copy the first thing to paste",
    },
    Binding { keys: &["2"], action: Action::Copy(1), label: "", help: "Copy the second thing to paste" },
    Binding { keys: &["3"], action: Action::Copy(2), label: "", help: "Copy the third thing to paste" },
    Binding { keys: &["4"], action: Action::Copy(3), label: "", help: "Copy the fourth thing to paste" },
    Binding { keys: &["Esc", "Enter", "q"], action: Action::Close, label: "back", help: "Back to where it happened" },
    Binding { keys: &["Down", "j"], action: Action::Scroll(Move::By(1)), label: "", help: "Scroll down" },
    Binding { keys: &["Up", "k"], action: Action::Scroll(Move::By(-1)), label: "", help: "Scroll up" },
    Binding {
        keys: &["C-d", "PageDown"],
        action: Action::Scroll(Move::HalfPages(1)),
        label: "",
        help: "Half a screen down",
    },
    Binding {
        keys: &["C-u", "PageUp"],
        action: Action::Scroll(Move::HalfPages(-1)),
        label: "",
        help: "Half a screen up",
    },
];

impl Pane {
    /// From its top.
    pub fn new(diagnosis: Diagnosis) -> Pane {
        Pane { diagnosis, scroll: 0 }
    }

    /// The n-th thing that can be pasted.
    pub fn pasteable(&self, n: usize) -> Option<&str> {
        pasteable(&self.diagnosis, n)
    }

    /// Scrolls within what is shown in `area`.
    pub fn scroll(&mut self, how: Move, area: Rect) {
        let len = lines(&self.diagnosis, area.width, true).len();
        let height = usize::from(area.height);
        let most = len.saturating_sub(height);
        self.scroll = match how {
            Move::By(rows) => self.scroll.saturating_add_signed(rows),
            Move::HalfPages(pages) => self.scroll.saturating_add_signed(pages * (height as isize / 2).max(1)),
            Move::First => 0,
            Move::Last => most,
        }
        .min(most);
    }
}

/// The n-th thing of a diagnosis that can be pasted.
pub fn pasteable(diagnosis: &Diagnosis, n: usize) -> Option<&str> {
    diagnosis.advice.iter().filter_map(pasted).nth(n)
}

/// What of an advice can be pasted: where the console has a field for something, no flag is of use.
fn pasted(advice: &Advice) -> Option<&str> {
    match advice.act {
        Some(Act::NameUser | Act::LetClientsWrite | Act::ChooseRoute | Act::ChooseLogin | Act::NameSecret) => None,
        Some(Act::EnableIam | Act::Policy | Act::Tunnel) | None => advice.paste.as_deref(),
    }
}

/// Where the console does it.
fn door(act: Act) -> String {
    let key = |action: fleet::Action| {
        let row = fleet::KEYS.iter().find(|row| row.action == action);
        row.map_or("", |row| row.keys[0])
    };
    let new = lines::KEYS.iter().find(|row| row.action == lines::Action::New).map_or("", |row| row.keys[0]);
    match act {
        Act::EnableIam => format!("the key {} in the fleet", key(fleet::Action::EnableIam)),
        Act::Policy => format!("all of it, for a user: the key {} in the fleet", key(fleet::Action::Policy)),
        Act::Tunnel => format!("the key {} in the fleet", key(fleet::Action::Tunnel)),
        Act::NameUser => {
            format!("in the form of a listener ({} in the fleet, {new} on Lines)", key(fleet::Action::Listen))
        }
        Act::ChooseRoute => "`route` in the form".to_owned(),
        Act::ChooseLogin => "`log in with` in the form".to_owned(),
        Act::NameSecret => "`secret` in the form".to_owned(),
        Act::LetClientsWrite => {
            format!("`access` in the form of a listener ({} in the fleet, {new} on Lines)", key(fleet::Action::Listen))
        }
    }
}

/// The lines of a diagnosis in so many columns. `numbered`: what can be pasted carries the key that copies it.
pub fn lines(diagnosis: &Diagnosis, width: u16, numbered: bool) -> Vec<Vec<Run>> {
    const LABEL: usize = 11;
    let room = usize::from(width).saturating_sub(LABEL + 2).max(12);
    let mut lines: Vec<Vec<Run>> = vec![Vec::new()];
    for (at, line) in text::wrap(&diagnosis.title, usize::from(width).saturating_sub(4)).into_iter().enumerate() {
        lines.push(vec![run(if at == 0 { " ✗ " } else { "   " }, Tone::Bad), run(line, Tone::Strong)]);
    }
    let labelled = |label: &str, content: &str, tone: Tone, lines: &mut Vec<Vec<Run>>| {
        for (at, line) in text::wrap(content, room).into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            lines.push(vec![run(format!("   {label:<8}"), Tone::Dim), run(line, tone)]);
        }
    };
    let server = diagnosis.server.as_deref();
    let said: Vec<_> = server.iter().flat_map(|server| server.labelled()).collect();
    if !said.is_empty() || !diagnosis.because.is_empty() {
        lines.push(Vec::new());
    }
    for (label, words) in said {
        labelled(&label.to_ascii_lowercase(), words, Tone::Text, &mut lines);
    }
    if let Some(object) = server.and_then(|server| server.object.as_deref()) {
        labelled("about", object, Tone::Text, &mut lines);
    }
    for (at, cause) in diagnosis.because.iter().enumerate() {
        labelled(if at == 0 { "because" } else { "" }, cause, Tone::Text, &mut lines);
    }
    if let Some(code) = &diagnosis.code {
        labelled("code", code, Tone::Dim, &mut lines);
    }
    let mut pasteable = 0;
    for (at, advice) in diagnosis.advice.iter().enumerate() {
        lines.push(Vec::new());
        // The label says it.
        let (label, say) = match advice.turn() {
            _ if at == 0 => ("try", advice.say.as_str()),
            (Turn::Instead | Turn::Or, say) => ("or", say),
            (Turn::Next, say) => ("then", say),
        };
        labelled(label, say, Tone::Text, &mut lines);
        for (at, line) in advice.act.iter().flat_map(|act| text::wrap(&door(*act), room.saturating_sub(2))).enumerate()
        {
            let mark = if at == 0 { "→" } else { " " };
            lines.push(vec![run(format!("         {mark} {line}"), Tone::Accent)]);
        }
        let Some(paste) = pasted(advice) else { continue };
        pasteable += 1;
        let number = if numbered { pasteable.to_string() } else { " ".to_owned() };
        for (at, line) in paste.lines().flat_map(|line| text::wrap(line, room.saturating_sub(2))).enumerate() {
            let number = if at == 0 { number.as_str() } else { " " };
            lines.push(vec![
                run(format!("         {number} "), Tone::Accent),
                run("▏ ", Tone::Dim),
                run(line, Tone::Accent),
            ]);
        }
    }
    lines
}

/// Draws lines from the one at `scroll` on.
pub fn draw(frame: &mut Frame<'_>, area: Rect, lines: &[Vec<Run>], scroll: usize, theme: Theme) {
    let scroll = scroll.min(lines.len().saturating_sub(area.height.into()));
    for (at, line) in lines.iter().skip(scroll).take(area.height.into()).enumerate() {
        paint::runs(frame, layout::below(area, area.y + at as u16, 1), line, theme, None);
    }
    if lines.len() > scroll + usize::from(area.height) && area.height > 0 && area.width > 12 {
        let last = layout::below(area, area.bottom() - 1, 1);
        let more = Rect { x: last.right() - 9, width: 9, ..last };
        paint::runs(frame, more, &[run(" ↓ more  ", Tone::Accent)], theme, None);
    }
}

/// Draws a diagnosis.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    draw(frame, area, &lines(&pane.diagnosis, area.width, true), pane.scroll, theme);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn a_step_that_follows_is_no_alternative() {
        let diagnosis = Diagnosis::new(Kind::NotAvailable, "its key is disabled")
            .advise("Enable the key")
            .advise("Then start it")
            .advise("And wait")
            .advise("Or, as an administrator, restore it")
            .advise("See what happened");
        let shown = lines(&diagnosis, 100, true).concat();
        let labels = ["try", "or", "then"];
        let labelled: Vec<(&str, &str)> = shown
            .iter()
            .zip(shown.iter().skip(1))
            .map(|(label, words)| (label.0.trim(), words.0.as_str()))
            .filter(|(label, _)| labels.contains(label))
            .collect();
        assert_eq!(
            labelled,
            [
                ("try", "Enable the key"),
                ("then", "start it"),
                ("then", "wait"),
                ("or", "as an administrator, restore it"),
                ("or", "See what happened")
            ]
        );
    }

    #[test]
    fn where_there_is_a_field_no_flag_is_shown_nor_copied() {
        let diagnosis = Diagnosis::new(Kind::UnreachableFromHere, "orders-prod did not answer")
            .advise_paste("Go through bastion-a: same VPC", "--via i-0a")
            .by(Act::ChooseRoute)
            .advise_paste("Or log in with its password", "--auth password")
            .by(Act::ChooseLogin)
            .advise_paste("See the nodes and their agents", "aws ssm describe-instance-information");
        let shown: String = lines(&diagnosis, 100, true).concat().into_iter().map(|run| run.0).collect();
        assert!(shown.contains("→ `route` in the form") && !shown.contains("--via"), "{shown}");
        assert!(shown.contains("→ `log in with` in the form") && !shown.contains("--auth"), "{shown}");
        assert_eq!(pasteable(&diagnosis, 0), Some("aws ssm describe-instance-information"));
        assert_eq!(pasteable(&diagnosis, 1), None);
    }
}
