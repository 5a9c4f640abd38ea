//! The fleet's keys: in the list, and while the filter is typed. It must not know what they do.

use crate::console::keys::Binding;
use crate::console::widgets::list::Move;

/// What a key means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect.
    Connect,
    /// Forward a port.
    Tunnel,
    /// Every link of the way there.
    Doctor,
    /// A listener for clients.
    Listen,
    /// The IAM policy and the SQL.
    Policy,
    /// IAM authentication on.
    EnableIam,
    /// What can be copied.
    Copy,
    /// Type a filter.
    Filter,
    /// All that is known of the row.
    Details,
    /// Ask AWS anew.
    Refresh,
    /// Choose regions.
    Regions,
    /// Choose profiles.
    Profiles,
    /// Why places failed.
    Failures,
    /// Sort by the next column.
    Sort,
    /// Sort the other way round.
    Reverse,
    /// Hide or show members.
    Fold,
    /// Hide members, or go to the cluster.
    Out,
    /// Show members, or go to the first.
    Into,
    /// Live routes and forwarded ports.
    Lines,
    /// The open sessions.
    Sessions,
    /// Move.
    Go(Move),
    /// Drop the filter.
    Clear,
    /// Leave.
    Quit,
}

/// The keys of the fleet.
pub const KEYS: &[Binding<Action>] = &[
    Binding { keys: &["Enter"], action: Action::Connect, label: "connect", help: "Connect to the selected database" },
    Binding {
        keys: &["/"],
        action: Action::Filter,
        label: "filter",
        help: "Filter: fuzzy on the name, words on the rest (on, off and pending on IAM, tags by their values), !word leaves out",
    },
    Binding {
        keys: &["y"],
        action: Action::Copy,
        label: "copy",
        help: "Copy host, ARN, policy, token, … (OSC 52, also over ssh)",
    },
    Binding {
        keys: &["t"],
        action: Action::Tunnel,
        label: "tunnel",
        help: "Forward a local port to it, for other tools",
    },
    Binding {
        keys: &["d"],
        action: Action::Doctor,
        label: "doctor",
        help: "Look at every link from credentials to login, and say what to do first",
    },
    Binding {
        keys: &["o"],
        action: Action::Listen,
        label: "listen",
        help: "Open a listener for it: a local port on which any client is logged in",
    },
    Binding {
        keys: &["i"],
        action: Action::Policy,
        label: "IAM policy",
        help: "IAM policies, a role's trust, and the SQL that let one user in",
    },
    Binding {
        keys: &["I"],
        action: Action::EnableIam,
        label: "",
        help: "Enable IAM authentication: what that means is said, and its name has to be typed",
    },
    Binding {
        keys: &["r"],
        action: Action::Refresh,
        label: "refresh",
        help: "Ask AWS again; the list stays meanwhile",
    },
    Binding {
        keys: &["v"],
        action: Action::Details,
        label: "details",
        help: "All that is known of the selected database",
    },
    Binding { keys: &["s"], action: Action::Sort, label: "sort", help: "Sort by the next column" },
    Binding { keys: &["S"], action: Action::Reverse, label: "", help: "Sort the other way round" },
    Binding { keys: &["R"], action: Action::Regions, label: "regions", help: "Choose the regions to list" },
    Binding { keys: &["P"], action: Action::Profiles, label: "profiles", help: "Choose the AWS profiles to list with" },
    Binding {
        keys: &["e"],
        action: Action::Failures,
        label: "",
        help: "Why a region could not be listed, and what to try",
    },
    Binding { keys: &["L"], action: Action::Lines, label: "lines", help: "Forwarded ports, listeners and live routes" },
    Binding { keys: &["Tab"], action: Action::Sessions, label: "", help: "Go to the open sessions" },
    Binding { keys: &["Space"], action: Action::Fold, label: "", help: "Hide or show the members of a cluster" },
    Binding { keys: &["Left", "h"], action: Action::Out, label: "", help: "Hide the members, or go to their cluster" },
    Binding { keys: &["Right", "l"], action: Action::Into, label: "", help: "Show the members, or go to the first" },
    Binding { keys: &["Down", "j"], action: Action::Go(Move::By(1)), label: "", help: "Next row" },
    Binding { keys: &["Up", "k"], action: Action::Go(Move::By(-1)), label: "", help: "Previous row" },
    Binding { keys: &["C-d"], action: Action::Go(Move::HalfPages(1)), label: "", help: "Half a screen down" },
    Binding { keys: &["C-u"], action: Action::Go(Move::HalfPages(-1)), label: "", help: "Half a screen up" },
    Binding { keys: &["PageDown", "C-f"], action: Action::Go(Move::HalfPages(2)), label: "", help: "A screen down" },
    Binding { keys: &["PageUp", "C-b"], action: Action::Go(Move::HalfPages(-2)), label: "", help: "A screen up" },
    Binding { keys: &["g", "Home"], action: Action::Go(Move::First), label: "", help: "First row" },
    Binding { keys: &["G", "End"], action: Action::Go(Move::Last), label: "", help: "Last row" },
    Binding { keys: &["Esc"], action: Action::Clear, label: "", help: "Drop the filter" },
    Binding { keys: &["q"], action: Action::Quit, label: "quit", help: "Leave gatepost" },
];

impl Action {
    /// Whether it is about the selected row.
    pub fn needs_row(self) -> bool {
        matches!(
            self,
            Action::Connect
                | Action::Tunnel
                | Action::Listen
                | Action::Doctor
                | Action::Policy
                | Action::EnableIam
                | Action::Copy
                | Action::Details
                | Action::Fold
                | Action::Out
                | Action::Into
        )
    }
}

/// What Enter, Esc and the arrows mean while the filter is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Keep it and go on in the list.
    Keep,
    /// Drop it.
    Drop,
    /// Move in the list.
    Go(Move),
}

/// The keys while the filter is typed; all others are typed.
pub const TYPING_KEYS: &[Binding<Typing>] = &[
    Binding {
        keys: &["Enter", "Tab"],
        action: Typing::Keep,
        label: "keep the filter",
        help: "Keep the filter and go on in the list",
    },
    Binding { keys: &["Esc"], action: Typing::Drop, label: "drop it", help: "Drop the filter" },
    Binding { keys: &["Down", "C-n"], action: Typing::Go(Move::By(1)), label: "next", help: "Next row" },
    Binding { keys: &["Up", "C-p"], action: Typing::Go(Move::By(-1)), label: "previous", help: "Previous row" },
];
