//! The panes, one noun each: state, update, view, and the pane's rows of the key table. They must not know one another;
//! what one wants of the rest it says with a [`Request`](crate::console::request::Request).

pub mod activity;
pub mod connect;
pub mod consent;
pub mod diagnosis;
pub mod doctor;
pub mod document;
pub mod enable_iam;
pub mod fleet;
pub mod help;
pub mod lines;
pub mod listen;
pub mod login;
pub mod menu;
pub mod palette;
pub mod picker;
pub mod prompt;
pub mod way;
