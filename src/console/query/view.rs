//! Draws a pane.

use super::Pane;
use crate::console::theme::Theme;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Draws the pane: state line, editor, results, messages, key line. Pure.
pub fn view(_pane: &Pane, _frame: &mut Frame<'_>, _area: Rect, _theme: Theme) {}
