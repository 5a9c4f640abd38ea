//! What keys mean in the catalogue tree. It must not know what an action does.

use crate::console::keys::Binding;

/// In the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// To the editor.
    Leave,
    /// Away with the tree.
    Shut,
    /// Fold or unfold; what cannot be unfolded goes into the editor.
    Enter,
    /// Unfold, or to the first of what is below.
    Unfold,
    /// Fold, or to what this belongs to.
    Fold,
    /// One row.
    Up,
    /// One row.
    Down,
    /// A screen.
    PageUp,
    /// A screen.
    PageDown,
    /// The first.
    Top,
    /// The last.
    Bottom,
    /// Only some.
    Filter,
    /// A hundred rows.
    Preview,
    /// The statements that make it again.
    Definition,
    /// What `\d+` prints.
    Describe,
    /// The name into the editor.
    Insert,
    /// The name to the clipboard.
    Copy,
    /// Everything again.
    Reload,
    /// Stop what runs.
    Stop,
    /// Help.
    Help,
}

/// While the filter is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sift {
    /// Keep it, and move in what is left.
    Take,
    /// Drop it.
    Drop,
    /// The last character.
    Erase,
    /// All of it.
    Clear,
    /// One row.
    Up,
    /// One row.
    Down,
}

const fn row<A>(keys: &'static [&'static str], action: A, label: &'static str, help: &'static str) -> Binding<A> {
    Binding { keys, action, label, help }
}

/// Keys of the tree.
#[rustfmt::skip]
pub const BRANCH: &[Binding<Branch>] = &[
    row(&["Enter", "Space"], Branch::Enter, "fold", "fold or unfold; a name that has nothing below goes into the editor"),
    row(&["/"], Branch::Filter, "filter", "only names that fit, letters in order; a dot looks in schema.name"),
    row(&["p"], Branch::Preview, "rows", "a hundred rows of it, run in this tab"),
    row(&["D"], Branch::Definition, "DDL", "the statements that make it again"),
    row(&["d"], Branch::Describe, "\\d+", "what \\d+ says of it"),
    row(&["i"], Branch::Insert, "insert", "its name, quoted where it must be, into the editor"),
    row(&["y"], Branch::Copy, "copy", "copy its name"),
    row(&["Esc", "Tab"], Branch::Leave, "editor", "drop the filter; else to the editor"),
    row(&["F9", "q"], Branch::Shut, "shut", "away with the tree"),
    row(&["r"], Branch::Reload, "", "load names, sizes and row estimates again"),
    row(&["Up", "k"], Branch::Up, "", "a row up"),
    row(&["Down", "j"], Branch::Down, "", "a row down"),
    row(&["Left", "h"], Branch::Fold, "", "fold; else to what it belongs to"),
    row(&["Right", "l"], Branch::Unfold, "", "unfold; else to the first below it"),
    row(&["PageUp", "C-b"], Branch::PageUp, "", "a screen up"),
    row(&["PageDown", "C-f"], Branch::PageDown, "", "a screen down"),
    row(&["g", "Home"], Branch::Top, "", "the first"),
    row(&["G", "End"], Branch::Bottom, "", "the last"),
    row(&["C-c"], Branch::Stop, "", "cancel what runs at the server"),
    row(&["?", "F1"], Branch::Help, "help", "this help"),
];

/// Keys while the filter is typed.
#[rustfmt::skip]
pub const SIFT: &[Binding<Sift>] = &[
    row(&["Enter", "Tab"], Sift::Take, "keep", "keep the filter and move in what is left"),
    row(&["Esc", "C-c", "C-g"], Sift::Drop, "drop", "drop the filter"),
    row(&["Up", "C-p"], Sift::Up, "", "a row up"),
    row(&["Down", "C-n"], Sift::Down, "", "a row down"),
    row(&["Backspace", "C-h"], Sift::Erase, "", "delete the last character"),
    row(&["C-u", "C-w"], Sift::Clear, "", "delete all of it"),
];
