//! The keys of the Lines screen. It must not know what they do.

use crate::console::keys::Binding;
use crate::console::widgets::list::Move;

/// What a key means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// What can be copied of it.
    Copy,
    /// Close it.
    Close,
    /// Open a listener of the settings; of what is open: why it ended, or what went wrong last.
    Open,
    /// A listener for a database yet to be named.
    New,
    /// Move.
    Go(Move),
    /// Back to the fleet.
    Back,
}

/// The keys of this pane.
pub const KEYS: &[Binding<Action>] = &[
    Binding {
        keys: &["y"],
        action: Action::Copy,
        label: "hand over",
        help: "Copy what a client needs: address, psql, DBeaver, pgAdmin, SQL Workbench/J, JDBC, URI, …",
    },
    Binding {
        keys: &["n"],
        action: Action::New,
        label: "listen",
        help: "Open a listener: a port on which clients are logged in",
    },
    Binding {
        keys: &["Enter", "e"],
        action: Action::Open,
        label: "open / why",
        help: "Open the selected listener of the settings; else why it ended or what failed last, and what to try",
    },
    Binding {
        keys: &["x", "Delete"],
        action: Action::Close,
        label: "close",
        help: "Close the selected port or listener and its session",
    },
    Binding { keys: &["Esc", "q", "L"], action: Action::Back, label: "fleet", help: "Back to the fleet" },
    Binding { keys: &["Down", "j"], action: Action::Go(Move::By(1)), label: "", help: "Next" },
    Binding { keys: &["Up", "k"], action: Action::Go(Move::By(-1)), label: "", help: "Previous" },
    Binding { keys: &["g", "Home"], action: Action::Go(Move::First), label: "", help: "First" },
    Binding { keys: &["G", "End"], action: Action::Go(Move::Last), label: "", help: "Last" },
];
