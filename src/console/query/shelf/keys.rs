//! What keys mean among saved queries, and where one is named. It must not know what an action does.

use crate::console::keys::Binding;

/// In the list of saved queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choose {
    /// Into the editor.
    Take,
    /// Away with the list.
    Shut,
    /// The one above.
    Up,
    /// The one below.
    Down,
    /// A screen.
    PageUp,
    /// A screen.
    PageDown,
    /// Another name or description.
    Rename,
    /// Away with it, after a question.
    Delete,
    /// The last character of the search.
    Erase,
    /// The whole search.
    Clear,
}

/// Where a query is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Save it.
    Save,
    /// Leave it.
    Shut,
    /// Name or description.
    Other,
    /// For this target or for all.
    Reach,
    /// The last character.
    Erase,
    /// All of them.
    Clear,
}

const fn row<A>(keys: &'static [&'static str], action: A, label: &'static str, help: &'static str) -> Binding<A> {
    Binding { keys, action, label, help }
}

/// Keys of the list.
#[rustfmt::skip]
pub const PICK: &[Binding<Choose>] = &[
    row(&["Enter", "Tab"], Choose::Take, "take", "put the query into the editor, at the cursor"),
    row(&["C-r"], Choose::Rename, "rename", "another name or description, or for all targets"),
    row(&["Delete", "M-d"], Choose::Delete, "delete", "delete the query, after a question"),
    row(&["Up", "C-p"], Choose::Up, "", "the one above"),
    row(&["Down", "C-n"], Choose::Down, "", "the one below"),
    row(&["PageUp"], Choose::PageUp, "", "a screen up"),
    row(&["PageDown"], Choose::PageDown, "", "a screen down"),
    row(&["Backspace", "C-h"], Choose::Erase, "", "delete the last character of the search"),
    row(&["C-u", "C-w"], Choose::Clear, "", "empty the search"),
    row(&["Esc", "C-g", "C-c"], Choose::Shut, "leave", "leave the editor as it was"),
];

/// Keys where a query is named.
#[rustfmt::skip]
pub const LABEL: &[Binding<Label>] = &[
    row(&["Enter"], Label::Save, "save", "save the query under this name"),
    row(&["Tab", "Up", "Down", "BackTab"], Label::Other, "name, about", "from the name to what it is about, and back"),
    row(&["M-a"], Label::Reach, "here or everywhere", "for this target alone, or for all"),
    row(&["Backspace", "C-h"], Label::Erase, "", "delete the last character"),
    row(&["C-u", "C-w"], Label::Clear, "", "delete all of them"),
    row(&["Esc", "C-g", "C-c"], Label::Shut, "leave", "save nothing"),
];
