//! What keys mean in the activity. Cancel and terminate stand away from the keys that move, and ask first. It must not
//! know what an action does.

use crate::console::keys::Binding;
use crate::console::widgets::list::Move;
use crate::model::activity::Signal;

/// In the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Move.
    Go(Move),
    /// One session closely.
    Detail,
    /// Signal it, after a question.
    Signal(Signal),
    /// Its statement to the clipboard.
    Copy,
    /// Tree or list.
    Tree,
    /// The next order.
    Sort,
    /// Only those that do something.
    Active,
    /// gatepost's own too.
    Own,
    /// The server's own processes too.
    Server,
    /// Only those with a text.
    Filter,
    /// Look now.
    Look,
    /// Look only when asked.
    Pause,
    /// Look less often.
    Slower,
    /// Look more often.
    Faster,
    /// Drop the filter; else back to the session.
    Back,
}

/// While the filter is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Keep it.
    Take,
    /// Drop it.
    Drop,
    /// Move.
    Go(Move),
}

/// In one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InDetail {
    /// Back to the list.
    Back,
    /// Scroll.
    Go(Move),
    /// Look again.
    Look,
    /// The statement to the clipboard.
    Copy,
    /// Signal it, after a question.
    Signal(Signal),
}

/// Where a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Do it.
    Yes,
    /// Leave it.
    No,
}

const fn row<A>(keys: &'static [&'static str], action: A, label: &'static str, help: &'static str) -> Binding<A> {
    Binding { keys, action, label, help }
}

/// Keys of the list.
#[rustfmt::skip]
pub const KEYS: &[Binding<Action>] = &[
    row(&["Enter"], Action::Detail, "detail", "The session closely: its whole statement, the locks it holds and waits for"),
    row(&["c"], Action::Signal(Signal::Cancel), "cancel", "Cancel its statement (pg_cancel_backend); asks first"),
    row(&["T"], Action::Signal(Signal::Terminate), "terminate", "End the session (pg_terminate_backend); asks first"),
    row(&["/"], Action::Filter, "filter", "Only sessions with a text: pid, role, database, application, client, state, wait, statement"),
    row(&["t"], Action::Tree, "tree/list", "Who blocks whom as a tree, or a sorted list"),
    row(&["s"], Action::Sort, "", "Sort the list by another column"),
    row(&["a"], Action::Active, "active", "Only those that run a statement, wait, or keep a transaction open"),
    row(&["o"], Action::Own, "", "Show the session that looks, too"),
    row(&["b"], Action::Server, "", "Show the server's own processes, too"),
    row(&["y"], Action::Copy, "", "Copy the statement"),
    row(&["r"], Action::Look, "", "Look now"),
    row(&["p"], Action::Pause, "pause", "Look only when asked, or go on"),
    row(&["-"], Action::Slower, "", "Look less often"),
    row(&["+"], Action::Faster, "", "Look more often"),
    row(&["Esc", "q"], Action::Back, "back", "Drop the filter; else back to the session"),
    row(&["Down", "j"], Action::Go(Move::By(1)), "", "Next"),
    row(&["Up", "k"], Action::Go(Move::By(-1)), "", "Previous"),
    row(&["C-d", "PageDown", "Space"], Action::Go(Move::HalfPages(1)), "", "Half a screen down"),
    row(&["C-u", "PageUp"], Action::Go(Move::HalfPages(-1)), "", "Half a screen up"),
    row(&["g", "Home"], Action::Go(Move::First), "", "First"),
    row(&["G", "End"], Action::Go(Move::Last), "", "Last"),
];

/// Keys while the filter is typed.
#[rustfmt::skip]
pub const TYPING_KEYS: &[Binding<Typing>] = &[
    row(&["Enter"], Typing::Take, "keep", "Keep the filter"),
    row(&["Esc", "C-c"], Typing::Drop, "drop", "Drop the filter"),
    row(&["Down"], Typing::Go(Move::By(1)), "", "Next"),
    row(&["Up"], Typing::Go(Move::By(-1)), "", "Previous"),
];

/// Keys of one session.
#[rustfmt::skip]
pub const DETAIL_KEYS: &[Binding<InDetail>] = &[
    row(&["Esc", "q", "Enter"], InDetail::Back, "back", "Back to the list"),
    row(&["c"], InDetail::Signal(Signal::Cancel), "cancel", "Cancel its statement; asks first"),
    row(&["T"], InDetail::Signal(Signal::Terminate), "terminate", "End the session; asks first"),
    row(&["y"], InDetail::Copy, "copy statement", "Copy the statement"),
    row(&["r"], InDetail::Look, "look again", "Look again"),
    row(&["Down", "j"], InDetail::Go(Move::By(1)), "", "Down"),
    row(&["Up", "k"], InDetail::Go(Move::By(-1)), "", "Up"),
    row(&["C-d", "PageDown", "Space"], InDetail::Go(Move::HalfPages(1)), "", "Half a screen down"),
    row(&["C-u", "PageUp"], InDetail::Go(Move::HalfPages(-1)), "", "Half a screen up"),
    row(&["g", "Home"], InDetail::Go(Move::First), "", "First"),
    row(&["G", "End"], InDetail::Go(Move::Last), "", "Last"),
];

/// Keys of a question.
#[rustfmt::skip]
pub const REPLY_KEYS: &[Binding<Reply>] = &[
    row(&["y"], Reply::Yes, "yes", "Do it"),
    row(&["n", "Esc", "q", "C-c"], Reply::No, "no", "Leave it"),
];
