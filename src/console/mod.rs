//! The console: one owner of state; `Event` in, `Command` out; the view is a function of the state.

pub mod keys;
pub mod query;
pub mod theme;
