//! Draws text that people write: the editor with its colours, the history, and the words for who sees the pane for the
//! first time. It must not know results.

use super::buffer::{Place, cluster_width};
use super::pane::{Pane, Walked};
use super::recall::{Finder, Recall};
use super::{Outcome, text};
use crate::console::theme::{Theme, Tone};
use crate::model::sql::TokenKind;
use crate::model::visible;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::time::{Duration, SystemTime};
use unicode_segmentation::UnicodeSegmentation;

/// The editor's lines in sight.
pub(super) fn editor(pane: &Pane, out: &mut Buffer, area: Rect, theme: Theme) {
    let editor = &pane.editor;
    let (top, left) = editor.corner();
    let selected = editor.selection();
    let brackets = editor.brackets();
    let marked = editor.marked();
    let fault = editor.fault();
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
                if brackets.is_some_and(|pair| pair.contains(&here)) {
                    style = style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
                }
                if selected.as_ref().is_some_and(|range| range.contains(&here)) {
                    style = style.add_modifier(Modifier::REVERSED);
                }
                if fault.is_some_and(|fault| faulty(&fault, &here, tokens.get(token).map(|token| token.start))) {
                    style = theme.style(Tone::Bad).add_modifier(Modifier::UNDERLINED);
                }
                let x = area.x + 1 + (at - left) as u16;
                put(out, x, y, area.right(), cluster, wide, style);
            }
            at += wide;
        }
        let end = Place { line: number, byte: line.len() };
        if fault == Some(end) && at >= left && (at - left) < area.width.saturating_sub(1) as usize {
            let style = theme.style(Tone::Bad).add_modifier(Modifier::UNDERLINED);
            put(out, area.x + 1 + (at - left) as u16, y, area.right(), " ", 1, style);
        }
        let break_selected = selected.as_ref().is_some_and(|range| range.contains(&end));
        if break_selected && at >= left && (at - left) < area.width.saturating_sub(1) as usize {
            let style = theme.style(Tone::Text).add_modifier(Modifier::REVERSED);
            put(out, area.x + 1 + (at - left) as u16, y, area.right(), " ", 1, style);
        }
        if marked.as_ref().is_some_and(|marked| marked.contains(&number)) {
            put(out, area.x, y, area.right(), "▏", 1, theme.style(Tone::Accent));
        }
        if left > 0 && !line.is_empty() {
            put(out, area.x, y, area.right(), "…", 1, theme.style(Tone::Dim));
        }
    }
}

/// Whether `here` is where the error was found, or further on in the token that begins there.
fn faulty(fault: &Place, here: &Place, token: Option<usize>) -> bool {
    here.line == fault.line && (here.byte == fault.byte || (here.byte > fault.byte && token == Some(fault.byte)))
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

/// For who has not run anything yet: what to type, and the way that led here.
pub(super) fn welcome(way: &[Walked], out: &mut Buffer, area: Rect, theme: Theme) {
    let rows = [
        ("select now();", "end a statement with ; and Enter; F5 works anywhere in it"),
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
        let Some((target, past)) = recall.found(finder, finder.found[at]) else { continue };
        let line = Rect { x: area.x, y: bottom - 1 - row as u16, width: area.width, height: 1 };
        let chosen = at == finder.at;
        let (mark, tone) = match past.outcome {
            Outcome::Done => (' ', Tone::Dim),
            Outcome::Failed => ('✗', Tone::Bad),
            Outcome::Cancelled => ('◦', Tone::Warn),
        };
        let rows = match (past.outcome, past.rows) {
            (Outcome::Done, 1) => " · 1 row".to_owned(),
            (Outcome::Done, rows @ 2..) => format!(" · {} rows", text::grouped(rows)),
            _ => String::new(),
        };
        let rows = if area.width < 100 { String::new() } else { rows };
        let word = match past.outcome {
            Outcome::Done => "",
            Outcome::Failed => "failed · ",
            Outcome::Cancelled => "cancelled · ",
        };
        let target =
            target.map(|target| format!("{} · ", text::cut(target.split('.').next().unwrap_or_default(), 20).0));
        let took = text::duration(Duration::from_millis(past.took));
        let facts = format!("{}{word}{} · {took}{rows}", target.unwrap_or_default(), ago(now, past.at));
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
    let reach = if finder.everywhere.is_some() { " on all targets" } else { "" };
    let prompt = vec![
        Span::styled(" search ", theme.style(Tone::Accent)),
        Span::raw(text::cut(&finder.words, area.width.saturating_sub(30) as usize).0),
        Span::styled("▏", theme.style(Tone::Accent)),
        Span::styled(format!("  {many} found{reach}"), theme.style(Tone::Dim)),
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
