//! The keys of the form, of the way, and of a way that failed. It must not know what they do.

use crate::console::keys::Binding;
use crate::console::widgets::list::Move;

/// What a key means in the form; what is typed into a line is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect with what stands there.
    Connect,
    /// To another field.
    Go(Move),
    /// The next or previous choice of this field.
    Choose(isize),
    /// Ask for the bastions again.
    Refresh,
    /// Back to the fleet.
    Back,
}

/// The keys of the form.
pub const KEYS: &[Binding<Action>] = &[
    Binding { keys: &["Enter"], action: Action::Connect, label: "connect", help: "Connect with what stands there" },
    Binding { keys: &["Down", "Tab", "C-n"], action: Action::Go(Move::By(1)), label: "next field", help: "Next field" },
    Binding { keys: &["Up", "BackTab", "C-p"], action: Action::Go(Move::By(-1)), label: "", help: "Previous field" },
    Binding {
        keys: &["Right", "Space"],
        action: Action::Choose(1),
        label: "change",
        help: "Next choice of this field",
    },
    Binding { keys: &["Left"], action: Action::Choose(-1), label: "", help: "Previous choice of this field" },
    Binding { keys: &["F5"], action: Action::Refresh, label: "", help: "Ask AWS for the bastions again" },
    Binding { keys: &["Esc"], action: Action::Back, label: "fleet", help: "Back to the fleet" },
];

/// What a key means on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnWay {
    /// Leave the wait, or the failure, for the form.
    Leave,
    /// Once more, as before.
    Retry,
    /// Have the doctor look at the same way.
    Doctor,
    /// Copy the n-th thing that can be pasted.
    Copy(usize),
    /// Scroll the diagnosis.
    Scroll(Move),
}

/// The keys while the way is walked.
pub const WALKING_KEYS: &[Binding<OnWay>] =
    &[Binding { keys: &["Esc", "C-c"], action: OnWay::Leave, label: "stop", help: "Stop, and back to the form" }];

/// The keys after the way has failed.
pub const FAILED_KEYS: &[Binding<OnWay>] = &[
    Binding { keys: &["r", "Enter"], action: OnWay::Retry, label: "try again", help: "Walk the same way once more" },
    Binding {
        keys: &["y", "1"],
        action: OnWay::Copy(0),
        label: "copy the advice",
        help: "Copy the first thing to paste",
    },
    Binding {
        keys: &["d"],
        action: OnWay::Doctor,
        label: "doctor",
        help: "Have the doctor look at every link of this way",
    },
    Binding { keys: &["2"], action: OnWay::Copy(1), label: "", help: "Copy the second thing to paste" },
    Binding { keys: &["3"], action: OnWay::Copy(2), label: "", help: "Copy the third thing to paste" },
    Binding {
        keys: &["Esc", "e", "q", "C-c"],
        action: OnWay::Leave,
        label: "change something",
        help: "Back to the form",
    },
    Binding { keys: &["Down", "j"], action: OnWay::Scroll(Move::By(1)), label: "", help: "Scroll down" },
    Binding { keys: &["Up", "k"], action: OnWay::Scroll(Move::By(-1)), label: "", help: "Scroll up" },
    Binding {
        keys: &["C-d", "PageDown"],
        action: OnWay::Scroll(Move::HalfPages(1)),
        label: "",
        help: "Half a screen down",
    },
    Binding {
        keys: &["C-u", "PageUp"],
        action: OnWay::Scroll(Move::HalfPages(-1)),
        label: "",
        help: "Half a screen up",
    },
];
