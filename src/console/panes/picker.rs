//! Choosing several of a list, or what is typed: regions, profiles. It must not know what is done with the choice.

use crate::console::keys::Binding;
use crate::console::layout;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::input::Input;
use crate::console::widgets::list::{Cursor, Move};
use crate::console::widgets::paint::{self, run};
use ratatui::Frame;
use ratatui::layout::Rect;

/// What is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Regions.
    Regions,
    /// Profiles.
    Profiles,
}

/// A list to choose several of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// What of.
    pub subject: Subject,
    /// All there are; the chosen ones first when it was opened.
    pub options: Vec<String>,
    /// The chosen ones, in the order chosen.
    pub chosen: Vec<String>,
    /// What is typed: it narrows the list, and can be chosen itself.
    pub input: Input,
    /// Where one stands in what is shown.
    pub cursor: Cursor,
}

/// What a key means here; all other keys are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take or leave what is selected.
    Toggle,
    /// Only what is selected.
    Done,
    /// Leave all as it was.
    Close,
    /// Move.
    Go(Move),
}

/// The keys of the picker.
pub const KEYS: &[Binding<Action>] = &[
    Binding { keys: &["Space"], action: Action::Toggle, label: "choose", help: "Take or leave the selected one" },
    Binding {
        keys: &["Enter"],
        action: Action::Done,
        label: "apply",
        help: "List what is ticked; what was typed and not ticked, alone; no profile ticked: the default again",
    },
    Binding { keys: &["Esc"], action: Action::Close, label: "back", help: "Leave all as it was" },
    Binding { keys: &["Down", "C-n", "Tab"], action: Action::Go(Move::By(1)), label: "", help: "Next" },
    Binding { keys: &["Up", "C-p", "BackTab"], action: Action::Go(Move::By(-1)), label: "", help: "Previous" },
    Binding { keys: &["PageDown"], action: Action::Go(Move::HalfPages(1)), label: "", help: "Half a list down" },
    Binding { keys: &["PageUp"], action: Action::Go(Move::HalfPages(-1)), label: "", help: "Half a list up" },
];

/// The regions of AWS's commercial partition and of the others, to be offered; any other can be typed.
/// Source: AWS General Reference, "Amazon RDS endpoints and quotas".
pub const REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "ca-west-1",
    "mx-central-1",
    "sa-east-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ap-east-1",
    "ap-east-2",
    "me-south-1",
    "me-central-1",
    "il-central-1",
    "af-south-1",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
];

impl Pane {
    /// Offers `options` with `chosen` marked and first.
    pub fn new(subject: Subject, chosen: Vec<String>, options: &[String]) -> Pane {
        let mut all = chosen.clone();
        all.extend(options.iter().filter(|option| !chosen.contains(option)).cloned());
        Pane { subject, options: all, chosen, input: Input::default(), cursor: Cursor::default() }
    }

    /// More to choose from, if this is what it is for.
    pub fn offer(&mut self, subject: Subject, options: &[String]) {
        if self.subject == subject {
            let new: Vec<String> = options.iter().filter(|option| !self.options.contains(option)).cloned().collect();
            self.options.extend(new);
        }
    }

    /// What is shown: the options that contain what is typed, and what is typed itself when it is none of them.
    pub fn shown(&self) -> Vec<&str> {
        let typed = self.input.text().trim();
        let mut shown: Vec<&str> =
            self.options.iter().map(String::as_str).filter(|option| option.contains(typed)).collect();
        if !typed.is_empty() && !shown.contains(&typed) {
            shown.push(typed);
        }
        shown
    }

    /// Takes or leaves the selected one.
    pub fn toggle(&mut self) {
        let Some(name) = self.shown().get(self.cursor.selected).map(|name| (*name).to_owned()) else { return };
        if let Some(at) = self.chosen.iter().position(|chosen| *chosen == name) {
            self.chosen.remove(at);
            return;
        }
        if !self.options.contains(&name) {
            self.options.push(name.clone());
        }
        self.chosen.push(name);
    }

    /// What is to be listed: the chosen ones; the selected one alone when something was typed to find it and nothing
    /// was toggled since.
    pub fn result(&self, before: &[String]) -> Vec<String> {
        let selected = self.shown().get(self.cursor.selected).map(|name| (*name).to_owned());
        let untouched = self.chosen == before && !self.input.is_empty();
        match selected {
            Some(name) if untouched => vec![name],
            _ => self.chosen.clone(),
        }
    }

    /// The box it takes of `area`.
    pub fn area(&self, area: Rect) -> Rect {
        layout::middle(area, 52, (self.options.len() as u16 + 5).clamp(8, 20))
    }

    /// Rows of the list on screen.
    pub fn height(&self, area: Rect) -> usize {
        usize::from(self.area(area).height).saturating_sub(4)
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let title = match pane.subject {
        Subject::Regions => "regions to list",
        Subject::Profiles => "AWS profiles to list with",
    };
    let inner = paint::frame(frame, pane.area(area), title, theme);
    let field = Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), ..inner };
    let (shown, at) = pane.input.shown(field.width.into());
    let typed =
        if pane.input.is_empty() { run("type to narrow, or another name", Tone::Dim) } else { run(shown, Tone::Text) };
    paint::runs(frame, inner, &[run("/ ", Tone::Accent), typed], theme, None);
    paint::cursor(frame, field, at);
    let list = layout::below(inner, inner.y + 2, inner.height);
    let shown = pane.shown();
    if shown.is_empty() {
        // Profiles come from the AWS configuration, which may have none.
        paint::runs(frame, list, &[run(" none is known: type one", Tone::Dim)], theme, None);
    }
    let len = shown.len();
    for (at, name) in shown.into_iter().enumerate().skip(pane.cursor.offset).take(list.height.into()) {
        let row = layout::below(list, list.y + (at - pane.cursor.offset) as u16, 1);
        let chosen = pane.chosen.iter().any(|other| other == name);
        let under = (at == pane.cursor.selected).then(|| theme.style(Tone::Selected));
        let mark = if chosen { run(" ✓ ", Tone::Good) } else { run(" · ", Tone::Dim) };
        paint::runs(frame, row, &[mark, run(name, Tone::Text)], theme, under);
    }
    paint::more(frame, list, pane.cursor.offset, len, theme);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_known_it_says_what_can_be_done() {
        use ratatui::{Terminal, backend::TestBackend};
        let drawn = |pane: &Pane| {
            let mut terminal = Terminal::new(TestBackend::new(60, 12)).expect("in memory");
            terminal.draw(|frame| view(pane, frame, frame.area(), Theme { color: false })).expect("in memory");
            terminal.backend().to_string()
        };
        let mut pane = Pane::new(Subject::Profiles, Vec::new(), &[]);
        assert!(drawn(&pane).contains("none is known: type one"), "{}", drawn(&pane));
        pane.offer(Subject::Profiles, &["dev".to_owned()]);
        assert!(!drawn(&pane).contains("none is known") && drawn(&pane).contains("· dev"), "{}", drawn(&pane));
    }

    #[test]
    fn typed_name_and_enter_is_enough() {
        let before = vec!["eu-west-1".to_owned()];
        let mut pane = Pane::new(Subject::Regions, before.clone(), &["us-east-1".to_owned()]);
        assert_eq!(pane.result(&before), before, "nothing touched: as it was");
        pane.input.paste("xx-new-9");
        assert_eq!(pane.result(&before), ["xx-new-9"]);
        pane.toggle();
        assert_eq!(pane.result(&before), ["eu-west-1", "xx-new-9"], "toggled: added to the others");
        pane.input.clear();
        pane.cursor.selected = 0;
        pane.toggle();
        pane.cursor.selected = 2;
        pane.toggle();
        assert_eq!(pane.result(&before), [""; 0], "none ticked: none, wherever the bar is");
    }
}
