//! Small pieces that panes are drawn and driven with. They must not know any pane.

pub mod input;
pub mod list;
pub mod paint;
pub mod spinner;
pub mod text;
