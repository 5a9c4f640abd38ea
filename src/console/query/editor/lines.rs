//! What is done to whole lines: comments, indentation, moving, doubling. It must not know keys.

use super::super::buffer::Place;
use super::super::undo::By;
use super::Editor;
use std::ops::RangeInclusive;

impl Editor {
    /// The lines that the selection touches, or the cursor's. A selection that ends before the first character of a line
    /// does not mean that line.
    pub(super) fn touched(&self) -> RangeInclusive<usize> {
        match self.selection() {
            Some(range) if range.end.byte == 0 && range.end.line > range.start.line => {
                range.start.line..=range.end.line - 1
            }
            Some(range) => range.start.line..=range.end.line,
            None => self.cursor.line..=self.cursor.line,
        }
    }

    /// Puts other lines where these were, as one step; nothing where they are the same.
    fn put_lines(&mut self, lines: &RangeInclusive<usize>, new: &[String]) {
        if self.buffer.lines()[lines.clone()] == *new {
            return;
        }
        let start = Place { line: *lines.start(), byte: 0 };
        let end = Place { line: *lines.end(), byte: self.buffer.lines()[*lines.end()].len() };
        self.undo.seal();
        self.change(start..end, &new.join("\n"), By::Command);
    }

    /// Selects whole lines when several were selected, so that the same can be done to them again.
    fn select_lines(&mut self, lines: &RangeInclusive<usize>, selected: bool) {
        if selected {
            let end = Place { line: *lines.end(), byte: self.buffer.lines()[*lines.end()].len() };
            self.anchor = Some(Place { line: *lines.start(), byte: 0 });
            self.cursor = end;
        }
        self.goal = None;
    }

    /// The touched lines two columns further in, or out.
    pub(super) fn shift(&mut self, further: bool) {
        self.shift_lines(self.touched(), further);
    }

    /// Those lines two columns further in, or out; empty ones stay empty.
    pub(super) fn shift_lines(&mut self, lines: RangeInclusive<usize>, further: bool) {
        let selected = self.selection().is_some();
        let cursor = self.cursor;
        let from_end = self.buffer.lines()[cursor.line].len() - cursor.byte;
        let moved = |line: &String| match further {
            true if line.is_empty() => String::new(),
            true => format!("  {line}"),
            false => {
                let bare = line.strip_prefix("  ").or_else(|| line.strip_prefix(['\t', ' '])).unwrap_or(line);
                bare.to_owned()
            }
        };
        let new: Vec<String> = self.buffer.lines()[lines.clone()].iter().map(moved).collect();
        self.put_lines(&lines, &new);
        let byte = self.buffer.lines()[cursor.line].len().saturating_sub(from_end);
        self.cursor = Place { byte, ..cursor };
        self.select_lines(&lines, selected);
    }

    /// The touched lines once more, below; the cursor goes along.
    pub(super) fn duplicate(&mut self) {
        let lines = self.touched();
        let selected = self.selection().is_some();
        let cursor = self.cursor;
        let text = self.buffer.lines()[lines.clone()].join("\n");
        let end = Place { line: *lines.end(), byte: self.buffer.lines()[*lines.end()].len() };
        self.undo.seal();
        self.change(end..end, &format!("\n{text}"), By::Command);
        let count = lines.end() - lines.start() + 1;
        self.cursor = Place { line: cursor.line + count, ..cursor };
        self.select_lines(&(lines.start() + count..=lines.end() + count), selected);
    }

    /// The touched lines one line up or down; the cursor goes along.
    pub(super) fn move_lines(&mut self, up: bool) {
        let lines = self.touched();
        let selected = self.selection().is_some();
        let cursor = self.cursor;
        let all = self.buffer.lines();
        let (first, last) = (*lines.start(), *lines.end());
        if (up && first == 0) || (!up && last + 1 == all.len()) {
            return;
        }
        let mut new: Vec<String>;
        let (reach, by) = if up {
            new = all[first..=last].to_vec();
            new.push(all[first - 1].clone());
            (first - 1..=last, -1)
        } else {
            new = vec![all[last + 1].clone()];
            new.extend_from_slice(&all[first..=last]);
            (first..=last + 1, 1)
        };
        self.put_lines(&reach, &new);
        let line = |line: usize| line.saturating_add_signed(by);
        self.cursor = Place { line: line(cursor.line), byte: cursor.byte };
        self.anchor = None;
        self.select_lines(&(line(first)..=line(last)), selected);
    }

    /// `--` before the touched lines, or away when all of them have it.
    pub(super) fn comment(&mut self) {
        let touched = self.touched();
        let selected = self.selection().is_some();
        let lines = &self.buffer.lines()[touched.clone()];
        let full: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
        if full.is_empty() {
            return;
        }
        let away = full.iter().all(|line| line.trim_start().starts_with("--"));
        let indent = full.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
        let new: Vec<String> = lines
            .iter()
            .map(|line| match (line.trim().is_empty(), away) {
                (true, _) => line.clone(),
                (false, true) => {
                    let rest = line.trim_start();
                    let bare = rest.strip_prefix("-- ").or_else(|| rest.strip_prefix("--")).unwrap_or(rest);
                    format!("{}{bare}", &line[..line.len() - rest.len()])
                }
                (false, false) => {
                    // Lines may be indented by tabs or spaces: what they have in common is whole characters only.
                    let indent = line.floor_char_boundary(indent);
                    format!("{}-- {}", &line[..indent], &line[indent..])
                }
            })
            .collect();
        let cursor = self.cursor;
        let column = self.buffer.column(cursor);
        self.put_lines(&touched, &new);
        self.cursor = self.buffer.at_column(cursor.line, column);
        if !selected && cursor.line + 1 < self.buffer.lines().len() {
            // Toggling line after line is what the key is pressed again for.
            self.cursor = self.buffer.at_column(cursor.line + 1, column);
        }
    }
}
