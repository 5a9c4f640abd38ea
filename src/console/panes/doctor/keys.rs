//! The doctor's keys. It must not know what they do.

use crate::console::keys::Binding;
use crate::console::widgets::list::Move;

/// What a key means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Back to where one came from; what is under way stops, and the session it opened ends.
    Leave,
    /// Look at everything once more.
    Again,
    /// Everything that was found, or only what matters.
    All,
    /// Copy the n-th thing that can be pasted.
    Copy(usize),
    /// Scroll.
    Scroll(Move),
}

/// The keys of the doctor.
pub const KEYS: &[Binding<Action>] = &[
    Binding {
        keys: &["y", "1"],
        action: Action::Copy(0),
        label: "copy the advice",
        help: "Copy the first thing to paste",
    },
    Binding { keys: &["2"], action: Action::Copy(1), label: "", help: "Copy the second thing to paste" },
    Binding { keys: &["3"], action: Action::Copy(2), label: "", help: "Copy the third thing to paste" },
    Binding { keys: &["4"], action: Action::Copy(3), label: "", help: "Copy the fourth thing to paste" },
    Binding { keys: &["r"], action: Action::Again, label: "again", help: "Look at every link once more" },
    Binding {
        keys: &["Space", "v"],
        action: Action::All,
        label: "details",
        help: "Every link with all that was found, or what matters alone",
    },
    Binding {
        keys: &["Esc", "q", "C-c"],
        action: Action::Leave,
        label: "back",
        help: "Stop, and back to where you came from",
    },
    Binding { keys: &["Down", "j"], action: Action::Scroll(Move::By(1)), label: "", help: "Scroll down" },
    Binding { keys: &["Up", "k"], action: Action::Scroll(Move::By(-1)), label: "", help: "Scroll up" },
    Binding {
        keys: &["C-d", "PageDown"],
        action: Action::Scroll(Move::HalfPages(1)),
        label: "",
        help: "Half a screen down",
    },
    Binding {
        keys: &["C-u", "PageUp"],
        action: Action::Scroll(Move::HalfPages(-1)),
        label: "",
        help: "Half a screen up",
    },
    Binding { keys: &["g", "Home"], action: Action::Scroll(Move::First), label: "", help: "First line" },
    Binding { keys: &["G", "End"], action: Action::Scroll(Move::Last), label: "", help: "Last line" },
];
