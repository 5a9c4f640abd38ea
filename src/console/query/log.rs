//! Messages: what ran, what the server said, what failed, in order. Entries are kept as what they are and become lines for
//! a width when drawn; errors stand under the statement with a caret. It must not know where it is drawn.

use super::order::Timing;
use super::text;
use crate::console::theme::{Theme, Tone};
use crate::model::{Diagnosis, Notice, visible};
use ratatui::text::{Line, Span};
use std::collections::VecDeque;

/// Entries kept.
const KEPT: usize = 1000;
/// Bytes of one text that are kept: a notice of megabytes is no message any more.
const LONGEST: usize = 16 << 10;

/// Columns of a line that are counted.
const WIDEST: usize = 1 << 14;

/// One message.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A statement began: its first line.
    Statement(String),
    /// It was completed.
    Done {
        /// The command tag.
        tag: String,
        /// How long it took, when that is wanted.
        timing: Option<Timing>,
        /// What else there is to say.
        note: Option<String>,
    },
    /// It failed.
    Failed {
        /// Why.
        diagnosis: Diagnosis,
        /// The line of the statement that is meant: its number from 1, its text, the byte in it.
        place: Option<(usize, String, usize)>,
        /// How long it took.
        timing: Option<Timing>,
    },
    /// The server says.
    Notice(Notice),
    /// We say.
    Said(Tone, String),
    /// A table as text, which is scrolled sideways: broken at the window's edge it would be none.
    Table(String),
    /// Why a result was cut short: with the notices, in sight of its rows.
    Short(String),
}

/// All messages.
#[derive(Clone, Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    /// Lines scrolled back from the end.
    pub back: usize,
    /// Columns that tables are scrolled by.
    left: usize,
}

impl Log {
    /// Adds a message.
    pub fn push(&mut self, mut entry: Entry) {
        if let Entry::Notice(notice) = &mut entry {
            shorten(&mut notice.message);
            notice.detail.iter_mut().chain(&mut notice.hint).for_each(shorten);
        }
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
        (self.back, self.left) = (0, 0);
    }

    /// Scrolls the tables sideways, as far as the widest of them goes.
    pub fn sideways(&mut self, columns: isize, width: usize) {
        let tables = self.entries.iter().filter_map(|entry| match entry {
            Entry::Table(text) => text.lines().map(|line| text::width(line, WIDEST)).max(),
            _ => None,
        });
        let most = (tables.max().unwrap_or(0) + 1).saturating_sub(width);
        self.left = self.left.saturating_add_signed(columns).min(most);
    }

    /// The last `height` lines, less those scrolled back.
    pub fn lines(&self, width: usize, height: usize, theme: Theme) -> Vec<Line<'static>> {
        let wanted = height + self.back;
        let mut lines: VecDeque<Line<'static>> = VecDeque::new();
        for entry in self.entries.iter().rev() {
            for line in entry.lines(width, self.left, theme).into_iter().rev() {
                lines.push_front(line);
            }
            if lines.len() >= wanted {
                break;
            }
        }
        let all = lines.len();
        let back = self.back.min(all.saturating_sub(height));
        lines.truncate(all - back);
        lines.drain(..(all - back).saturating_sub(height));
        lines.into()
    }

    /// Lines of the newest message.
    pub fn last_is(&self, width: usize) -> usize {
        self.entries.back().map_or(0, |entry| entry.lines(width, self.left, Theme { color: false }).len())
    }

    /// How far it can be scrolled back.
    pub fn furthest(&self, width: usize, height: usize) -> usize {
        let plain = Theme { color: false };
        let all: usize = self.entries.iter().map(|entry| entry.lines(width, self.left, plain).len()).sum();
        all.saturating_sub(height)
    }

    /// The messages since the last statement began, with it, as text: each line as long as it is.
    pub fn text(&self) -> String {
        let begun = self.entries.iter().rposition(|entry| matches!(entry, Entry::Statement(_)));
        let first = begun.unwrap_or(0);
        let plain = Theme { color: false };
        let lines = self.entries.iter().skip(first).flat_map(|entry| entry.lines(WIDEST, 0, plain));
        lines.fold(String::new(), |mut text, line| {
            let line: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
            text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
            text.push('\n');
            text
        })
    }

    /// How many notices came after the last statement began.
    pub fn notices(&self) -> usize {
        let recent = self.entries.iter().rev().take_while(|entry| !matches!(entry, Entry::Statement(_)));
        recent.filter(|entry| matches!(entry, Entry::Notice(_) | Entry::Short(_))).count()
    }

    /// Whether nothing was said yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The newest notices that came after the last statement began, at most `most` of them, as one line each.
    pub fn strip(&self, width: usize, most: usize, theme: Theme) -> Vec<Line<'static>> {
        let recent = self.entries.iter().rev().take_while(|entry| !matches!(entry, Entry::Statement(_)));
        let mut lines: Vec<Line<'static>> = recent
            .filter(|entry| matches!(entry, Entry::Notice(_) | Entry::Short(_)))
            .take(most)
            .filter_map(|entry| entry.lines(width, self.left, theme).into_iter().next())
            .collect();
        lines.reverse();
        lines
    }
}

impl Entry {
    fn lines(&self, width: usize, left: usize, theme: Theme) -> Vec<Line<'static>> {
        let style = |tone| theme.style(tone);
        let mut lines = Vec::new();
        let mut say = |indent: usize, tone: Tone, words: &str| {
            for line in text::wrap(words, width.saturating_sub(indent)) {
                lines.push(Line::styled(format!("{:indent$}{line}", ""), style(tone)));
            }
        };
        match self {
            Entry::Statement(first) => say(1, Tone::Dim, &text::cut(first, width.saturating_sub(1)).0),
            Entry::Done { tag, timing, note } => {
                say(1, Tone::Good, &format!("✓ {tag}{}", took(timing)));
                note.iter().for_each(|note| say(3, Tone::Warn, note));
            }
            Entry::Failed { diagnosis, place, timing } => {
                let code = diagnosis.code.as_deref().map(|code| format!("{code} ")).unwrap_or_default();
                say(1, Tone::Bad, &format!("✗ {code}{}{}", diagnosis.title, took(timing)));
                if let Some((number, line, byte)) = place {
                    lines.extend(caret(*number, line, *byte, width, theme));
                }
                let mut say = |indent: usize, tone: Tone, words: &str| {
                    for line in text::wrap(words, width.saturating_sub(indent)) {
                        lines.push(Line::styled(format!("{:indent$}{line}", ""), style(tone)));
                    }
                };
                for (label, words) in diagnosis.server.iter().flat_map(|server| server.labelled()) {
                    say(3, Tone::Text, &format!("{}: {words}", label.to_ascii_lowercase()));
                }
                diagnosis.because.iter().for_each(|cause| say(3, Tone::Text, cause));
                for advice in &diagnosis.advice {
                    say(3, Tone::Accent, &advice.say);
                    advice.paste.iter().for_each(|paste| say(5, Tone::Text, paste));
                }
            }
            Entry::Notice(notice) => {
                let tone = if notice.severity == "WARNING" { Tone::Warn } else { Tone::Text };
                say(1, tone, &format!("{}: {}", notice.severity, notice.message));
                notice.detail.iter().for_each(|detail| say(3, Tone::Dim, &format!("detail: {detail}")));
                notice.hint.iter().for_each(|hint| say(3, Tone::Dim, &format!("hint: {hint}")));
            }
            Entry::Said(tone, words) => say(1, *tone, words),
            Entry::Table(text) => {
                let room = width.saturating_sub(1);
                for line in text.split('\n') {
                    let line = visible(line);
                    let shown = text::from_column(&line, left);
                    // What `text::cut` puts for the rest is a sign that there is more.
                    lines.push(Line::styled(format!(" {}", text::cut(&shown, room).0), style(Tone::Text)));
                }
            }
            Entry::Short(words) => say(1, Tone::Warn, words),
        }
        lines
    }
}

fn took(timing: &Option<Timing>) -> String {
    timing.map(|timing| format!(" · {}", text::timing(&timing))).unwrap_or_default()
}

/// The line that is meant with a caret under the character, scrolled so that it is in sight.
fn caret(number: usize, line: &str, byte: usize, width: usize, theme: Theme) -> [Line<'static>; 2] {
    let label = format!("   line {number}: ");
    let room = width.saturating_sub(label.len() + 1).max(8);
    let byte = line.floor_char_boundary(byte.min(line.len()));
    let before = visible(&line[..byte]).into_owned();
    // Only as much in front of the caret as leaves a third of the room for what is behind it.
    let mut start = 0;
    let mut shown_before = text::width(&before, usize::MAX >> 8);
    let lead = room * 2 / 3;
    let mut dots = "";
    if shown_before > lead {
        for (at, c) in before.char_indices() {
            if text::width(&before[at..], usize::MAX >> 8) < lead {
                start = at;
                break;
            }
            start = at + c.len_utf8();
        }
        dots = "…";
        shown_before = text::width(&before[start..], usize::MAX >> 8) + 1;
    }
    let whole = format!("{dots}{}{}", &before[start..], visible(&line[byte..]));
    [
        Line::from(vec![Span::styled(label.clone(), theme.style(Tone::Dim)), Span::raw(text::cut(&whole, room).0)]),
        Line::styled(format!("{:1$}^", "", label.len() + shown_before), theme.style(Tone::Bad)),
    ]
}

fn shorten(words: &mut String) {
    if words.len() > LONGEST {
        words.truncate(words.floor_char_boundary(LONGEST));
        words.push('…');
    }
}
