//! The command palette: every action of where one is, by what it does. It must not know what an action does.

use crate::console::keys::{Hint, show};
use crate::console::layout;
use crate::console::state::Action;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::input::Input;
use crate::console::widgets::list::Cursor;
use crate::console::widgets::paint::{self, run};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::Frame;
use ratatui::layout::Rect;

/// The palette.
#[derive(Clone, Debug)]
pub struct Pane {
    /// Every action.
    pub entries: Vec<(Hint, Action)>,
    /// What is typed.
    pub input: Input,
    /// Where one stands in what fits.
    pub cursor: Cursor,
}

impl Pane {
    /// Offers these.
    pub fn new(entries: Vec<(Hint, Action)>) -> Pane {
        Pane { entries, input: Input::default(), cursor: Cursor::default() }
    }

    /// Entries that fit what is typed, best first.
    pub fn fitting(&self) -> Vec<&(Hint, Action)> {
        let typed = self.input.text();
        let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut fitting: Vec<(u32, &(Hint, Action))> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let mut score = |text: &str| {
                    let mut buffer = Vec::new();
                    pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher)
                };
                // The word of the key line is what people remember; it counts for more than the sentence.
                let label = score(entry.0.label).map(|score| score * 2);
                label.max(score(entry.0.help)).map(|score| (score, entry))
            })
            .collect();
        fitting.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        fitting.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Completes what is typed to the selected entry's word.
    pub fn complete(&mut self) {
        if let Some((hint, _)) = self.fitting().get(self.cursor.selected) {
            let word = if hint.label.is_empty() { hint.help } else { hint.label };
            self.input.set(word);
            self.cursor = Cursor::default();
        }
    }

    /// The box it takes of `area`.
    pub fn area(&self, area: Rect) -> Rect {
        layout::middle(area, 76, 16)
    }

    /// Rows of the list on screen.
    pub fn height(&self, area: Rect) -> usize {
        usize::from(self.area(area).height).saturating_sub(4)
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let inner = paint::frame(frame, pane.area(area), "commands", theme);
    let field = Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), ..inner };
    let (shown, at) = pane.input.shown(field.width.into());
    paint::runs(frame, inner, &[run(": ", Tone::Accent), run(shown, Tone::Text)], theme, None);
    paint::cursor(frame, field, at);
    let list = layout::below(inner, inner.y + 2, inner.height);
    let fitting = pane.fitting();
    if fitting.is_empty() {
        paint::runs(frame, list, &[run("nothing fits", Tone::Dim)], theme, None);
    }
    for (at, (hint, _)) in fitting.iter().enumerate().skip(pane.cursor.offset).take(list.height.into()) {
        let row = layout::below(list, list.y + (at - pane.cursor.offset) as u16, 1);
        let under = (at == pane.cursor.selected).then(|| theme.style(Tone::Selected));
        let key = hint.keys.first().map(|key| show(key)).unwrap_or_default();
        let line = [
            run(format!(" {:<13}", hint.label), Tone::Strong),
            run(format!("{key:<9} "), Tone::Accent),
            run(hint.help, Tone::Dim),
        ];
        paint::runs(frame, row, &line, theme, under);
    }
    paint::more(frame, list, pane.cursor.offset, fitting.len(), theme);
}
