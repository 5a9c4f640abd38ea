//! Draws text that people write: the editor with its colours, the history, and the words for who sees the pane for the
//! first time. It must not know results.

use super::buffer::{Place, cluster_width};
use super::editor::Editor;
use super::pane::{Pane, Walked};
use super::recall::{Finder, Recall};
use super::{Outcome, text};
use crate::console::theme::{Theme, Tone};
use crate::model::sql::{Token, TokenKind};
use crate::model::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::time::{Duration, SystemTime};
use unicode_segmentation::UnicodeSegmentation;

/// Lines that are looked through for a matching bracket.
const BRACKET_LINES: usize = 200;

/// The editor's lines in sight.
pub(super) fn editor(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    let editor = &pane.editor;
    let (top, left) = editor.corner();
    let selected = editor.selection();
    let brackets = brackets(editor);
    for row in 0..area.height as usize {
        let number = top + row;
        let Some(line) = editor.buffer().lines().get(number) else { break };
        let tokens = editor.colours().tokens(editor.buffer().lines(), number);
        let y = area.y + row as u16;
        let mut token = 0;
        let mut at = 0;
        for (byte, cluster) in line.grapheme_indices(true) {
            let wide = cluster_width(at, cluster);
            if at >= left + area.width.saturating_sub(1) as usize {
                break;
            }
            if at >= left {
                while tokens.get(token).is_some_and(|token| token.end <= byte) {
                    token += 1;
                }
                let kind = tokens.get(token).filter(|token| token.start <= byte).map(|token| token.kind);
                let mut style = kind.map_or(theme.style(Tone::Text), |kind| theme.style(tone(kind)));
                let here = Place { line: number, byte };
                if brackets.contains(&Some(here)) {
                    style = style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
                }
                if selected.as_ref().is_some_and(|range| range.contains(&here)) {
                    style = style.add_modifier(Modifier::REVERSED);
                }
                let x = area.x + 1 + (at - left) as u16;
                put(out, x, y, area.right(), cluster, wide, style);
            }
            at += wide;
        }
        let end = Place { line: number, byte: line.len() };
        let break_selected = selected.as_ref().is_some_and(|range| range.contains(&end));
        if break_selected && at >= left && (at - left) < area.width.saturating_sub(1) as usize {
            let style = theme.style(Tone::Text).add_modifier(Modifier::REVERSED);
            put(out, area.x + 1 + (at - left) as u16, y, area.right(), " ", 1, style);
        }
        if left > 0 && !line.is_empty() {
            put(out, area.x, y, area.right(), "…", 1, theme.style(Tone::Dim));
        }
    }
}

fn put(out: &mut Buffer, x: u16, y: u16, right: u16, cluster: &str, wide: usize, style: Style) {
    if x + wide as u16 > right {
        return;
    }
    if cluster == "\t" {
        (x..x + wide as u16).for_each(|x| {
            out.set_string(x, y, " ", style);
        });
    } else {
        out.set_string(x, y, visible(cluster), style);
    }
}

/// Where the terminal's cursor is.
pub(super) fn cursor(pane: &Pane, area: Rect) -> Position {
    let (top, left) = pane.editor.corner();
    let at = pane.editor.cursor();
    let column = pane.editor.buffer().column(at).saturating_sub(left) as u16;
    let row = at.line.saturating_sub(top) as u16;
    Position::new(
        (area.x + 1 + column).min(area.right().saturating_sub(1)),
        (area.y + row).min(area.bottom().saturating_sub(1)),
    )
}

fn tone(kind: TokenKind) -> Tone {
    match kind {
        TokenKind::Keyword => Tone::Keyword,
        TokenKind::String | TokenKind::CopyData => Tone::Literal,
        TokenKind::Number | TokenKind::Parameter => Tone::Number,
        TokenKind::Comment => Tone::Comment,
        TokenKind::QuotedIdentifier => Tone::Identifier,
        TokenKind::Backslash | TokenKind::Variable => Tone::Accent,
        TokenKind::Other => Tone::Bad,
        TokenKind::Identifier | TokenKind::Operator | TokenKind::Punctuation | TokenKind::Space => Tone::Text,
    }
}

/// The bracket at the cursor, or before it, and the one that belongs to it. Brackets in strings and comments are none.
fn brackets(editor: &Editor) -> [Option<Place>; 2] {
    let at = editor.cursor();
    let here = at_bracket(editor, at).or_else(|| {
        let before = Place { byte: at.byte.checked_sub(1)?, ..at };
        at_bracket(editor, before)
    });
    let Some((place, mark)) = here else { return [None, None] };
    let forward = matches!(mark, '(' | '[');
    let mut depth = 0_i32;
    let lines = editor.buffer().lines();
    for step in 0..BRACKET_LINES {
        let number = if forward { Some(place.line + step) } else { place.line.checked_sub(step) };
        let Some((number, text)) = number.and_then(|number| Some((number, lines.get(number)?))) else { break };
        let mut marks = bracket_tokens(editor, number, text);
        if !forward {
            marks.reverse();
        }
        for (byte, mark) in marks {
            let other = Place { line: number, byte };
            if (forward && other < place) || (!forward && other > place) {
                continue;
            }
            depth += if matches!(mark, '(' | '[') == forward { 1 } else { -1 };
            if depth == 0 {
                return [Some(place), Some(other)];
            }
        }
    }
    [None, None]
}

fn at_bracket(editor: &Editor, at: Place) -> Option<(Place, char)> {
    let text = editor.buffer().lines().get(at.line)?;
    let found = bracket_tokens(editor, at.line, text).into_iter().find(|(byte, _)| *byte == at.byte)?;
    Some((at, found.1))
}

fn bracket_tokens(editor: &Editor, line: usize, text: &str) -> Vec<(usize, char)> {
    let mark = |token: Token| {
        let mark = token.of(text).chars().next()?;
        (token.kind == TokenKind::Punctuation && matches!(mark, '(' | ')' | '[' | ']')).then_some((token.start, mark))
    };
    editor.colours().tokens(editor.buffer().lines(), line).into_iter().filter_map(mark).collect()
}

/// For who has not run anything yet: what to type, and the way that led here.
pub(super) fn welcome(way: &[Walked], out: &mut Buffer, area: Rect, theme: Theme) {
    let rows = [
        ("select now();", "end a statement with ; and press Enter; F5 works anywhere in it"),
        ("\\dt", "tables; \\l databases, \\d NAME a relation, \\? what else works"),
        ("Ctrl-R", "statements that were run on this target before"),
        ("Ctrl-C", "cancels at the server what runs"),
        ("F1", "every key"),
    ];
    let width = area.width as usize;
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (key, words) in rows {
        let words = text::cut(words, width.saturating_sub(18)).0;
        lines.push(Line::from(vec![
            Span::styled(format!("  {key:<15}"), theme.style(Tone::Accent)),
            Span::styled(words, theme.style(Tone::Dim)),
        ]));
    }
    if !way.is_empty() {
        lines.push(Line::default());
    }
    for step in way {
        let took = text::duration(step.took);
        let room = width.saturating_sub(20 + took.len() + 3);
        let (found, used) = text::cut(&step.found, room);
        let gap = " ".repeat(room - used + 2);
        lines.push(Line::from(vec![
            Span::styled("  ✓ ", theme.style(Tone::Good)),
            Span::styled(format!("{:<13}", step.kind.name()), theme.style(Tone::Text)),
            Span::styled(found, theme.style(Tone::Dim)),
            Span::styled(format!("{gap}{took}"), theme.style(Tone::Dim)),
        ]));
    }
    let spare = usize::from(area.height).saturating_sub(lines.len());
    let top = area.y + spare.min(1) as u16;
    for (line, y) in lines.into_iter().zip(top..area.bottom()) {
        line.render(Rect { x: area.x, y, width: area.width, height: 1 }, out);
    }
}

/// The history, the newest or best at the bottom, beside what is searched for.
pub(super) fn history(recall: &Recall, finder: &Finder, now: SystemTime, out: &mut Buffer, area: Rect, theme: Theme) {
    let bottom = area.bottom().saturating_sub(1);
    let room = area.height.saturating_sub(1) as usize;
    let first = (finder.at + 1).saturating_sub(room);
    for (row, at) in (first..finder.found.len()).take(room).enumerate() {
        let past = &recall.past()[finder.found[at]];
        let line = Rect { x: area.x, y: bottom - 1 - row as u16, width: area.width, height: 1 };
        let chosen = at == finder.at;
        let (mark, tone) = match past.outcome {
            Outcome::Done => (' ', Tone::Dim),
            Outcome::Failed => ('✗', Tone::Bad),
            Outcome::Cancelled => ('◦', Tone::Warn),
        };
        let facts = format!("{} · {}", ago(now, past.at), text::duration(Duration::from_millis(past.took)));
        let words = past.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = text::cut(&words, (area.width as usize).saturating_sub(facts.chars().count() + 8)).0;
        let bar = if chosen { "▌ " } else { "  " };
        let spans = vec![
            Span::styled(bar, theme.style(Tone::Accent)),
            Span::styled(format!("{mark} "), theme.style(tone)),
            Span::raw(words),
        ];
        Line::from(spans).render(line, out);
        let facts = Line::styled(format!(" {facts} "), theme.style(Tone::Dim));
        let wide = (facts.width() as u16).min(area.width);
        facts.render(Rect { x: area.right() - wide, width: wide, ..line }, out);
        if chosen {
            out.set_style(line, theme.style(Tone::Selected));
        }
    }
    let many = finder.found.len();
    let prompt = vec![
        Span::styled(" search ", theme.style(Tone::Accent)),
        Span::raw(text::cut(&finder.words, area.width.saturating_sub(30) as usize).0),
        Span::styled("▏", theme.style(Tone::Accent)),
        Span::styled(format!("  {many} found"), theme.style(Tone::Dim)),
    ];
    Line::from(prompt).render(Rect { y: bottom, height: 1, ..area }, out);
}

fn ago(now: SystemTime, at: u64) -> String {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or(0);
    match now.saturating_sub(at) {
        0..60 => "now".to_owned(),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}
