//! The query pane. [`Pane`] is state; [`update`] takes inputs and gives orders; [`view`] draws; [`worker`] is the task
//! that owns the live session. The rest of the console embeds it as one tab: it hands every [`Input`] to [`update`],
//! passes [`Order::Ask`] on to the tab's worker and carries out the other orders itself.
//!
//! `update` and `view` do no I/O and read no clock: time comes in [`Input::Tick`], size in [`Input::Area`]. The pane must
//! not know the fleet, how a session was opened, nor that there are other tabs.

mod browse;
mod buffer;
mod cell;
mod colours;
mod columns;
mod completion;
mod compose;
mod current;
mod dangers;
mod desk;
mod editor;
mod entering;
mod explain;
mod grid;
mod hearing;
mod interpreting;
pub mod journal;
pub mod keymap;
mod layout;
mod lifting;
mod log;
mod looking;
mod order;
mod outlet;
mod page;
mod pane;
mod plan;
mod plan_view;
mod reading;
mod recall;
mod receiving;
mod running;
mod scripted;
pub mod shape;
mod shaping;
mod sheet;
mod sheet_view;
pub mod shelf;
mod spent;
mod standing;
mod stopping;
mod table;
mod text;
pub mod tree;
mod trying;
mod undo;
mod update;
mod view;
mod words;
pub mod worker;

pub use completion::{CHOOSE, Choose};
pub(super) use desk::at_home;
pub use editor::vi::VI;
pub use editor::{Edit, Motion};
pub use order::{
    Ask, Input, LineHealth, Names, News, Order, Outcome, Past, Piece, ResultId, Shelved, Shelving, Statement, Timing,
    Window,
};
pub use pane::{HelpRow, Pane, Setup, Title, Walked, Work};
pub use update::update;
pub use view::view;

#[cfg(test)]
mod tests;
