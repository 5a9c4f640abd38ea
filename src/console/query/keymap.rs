//! What keys mean in the pane, by where the focus is. It must not know what an action does.

use super::editor::{Edit, Motion};
use crate::console::keys::Binding;

/// In the editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// The statement at the cursor, or the selection.
    Run,
    /// Everything.
    RunAll,
    /// The plan of the statement at the cursor.
    Plan,
    /// As it is run.
    Analyze,
    /// Run the statement at the cursor in a transaction that is undone unless it is kept.
    Try,
    /// Enter: a line break, unless a finished statement asks to be run.
    Enter,
    /// Motion.
    Go(Motion),
    /// Motion that selects.
    Select(Motion),
    /// Change.
    Edit(Edit),
    /// The selection to the clipboard.
    Copy,
    /// The selection to the clipboard, and away.
    Cut,
    /// What could be written here.
    Complete,
    /// Load the names for completion again.
    Names,
    /// An older statement.
    Older,
    /// A newer statement.
    Newer,
    /// Search the history.
    History,
    /// Saved queries.
    Shelf,
    /// Save the text.
    Save,
    /// To the results.
    Results,
    /// Stop what runs.
    Stop,
    /// Lay the statement out.
    Format,
    /// The text in the editor of the settings.
    Compose,
    /// The catalogue tree.
    Catalogue,
    /// Help.
    Help,
    /// The fleet.
    Back,
    /// Close the tab.
    Close,
    /// Delete, or close when there is nothing.
    DeleteOrClose,
}

/// In the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Stop work on rows, let go of what is marked; else to the editor.
    Out,
    /// To the editor.
    Editor,
    /// One row.
    Up,
    /// One row.
    Down,
    /// One column.
    Left,
    /// One column.
    Right,
    /// A screen.
    PageUp,
    /// A screen.
    PageDown,
    /// The first row.
    Top,
    /// The last row, or the row whose number was typed.
    Bottom,
    /// The first column.
    FirstColumn,
    /// The last column.
    LastColumn,
    /// The cell, whole.
    Cell,
    /// One row, a column a line.
    Expanded,
    /// What to copy, and how.
    CopyMenu,
    /// The row to the clipboard.
    CopyRow,
    /// All rows to a file.
    Export,
    /// By this column.
    Sort,
    /// By this column too.
    SortAlso,
    /// Only some rows.
    Filter,
    /// As they came.
    AsItCame,
    /// A text in any cell.
    Find,
    /// The next.
    FindNext,
    /// The one before.
    FindBefore,
    /// A column by its name.
    Jump,
    /// The column's width.
    Narrower,
    /// The column's width.
    Wider,
    /// Widths by content.
    Widths,
    /// Columns up to here stay.
    Freeze,
    /// The column is not shown.
    Hide,
    /// All columns are shown.
    ShowAll,
    /// Mark cells from here.
    MarkCells,
    /// Mark rows from here.
    MarkRows,
    /// Mark further.
    ExtendUp,
    /// Mark further.
    ExtendDown,
    /// Mark further.
    ExtendLeft,
    /// Mark further.
    ExtendRight,
    /// The result before.
    Previous,
    /// The result after.
    Next,
    /// Messages instead of rows.
    Messages,
    /// Results over the whole pane.
    Zoom,
    /// The catalogue tree.
    Catalogue,
    /// Stop what runs.
    Stop,
    /// Help.
    Help,
    /// The fleet.
    Back,
    /// Close the tab.
    Close,
}

/// In an open cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Close it.
    Shut,
    /// One line.
    Up,
    /// One line.
    Down,
    /// A screen.
    PageUp,
    /// A screen.
    PageDown,
    /// Some columns.
    Left,
    /// Some columns.
    Right,
    /// The beginning.
    Top,
    /// The end.
    Bottom,
    /// Laid out, or as the server sent it.
    Raw,
    /// Look for a text in it.
    Find,
    /// The next.
    FindNext,
    /// The one before.
    FindBefore,
    /// To the clipboard.
    Copy,
    /// Stop what runs.
    Stop,
}

/// In the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Into the editor.
    Take,
    /// Run it.
    Run,
    /// Out of the history, after a question.
    Forget,
    /// This target, or all of them.
    Everywhere,
    /// Leave it.
    Shut,
    /// The one before.
    Up,
    /// The one after.
    Down,
    /// A screen.
    PageUp,
    /// A screen.
    PageDown,
    /// The last character of the search.
    Erase,
    /// The whole search.
    Clear,
}

/// Where a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Do it.
    Yes,
    /// Do it in a transaction, and say how many rows it changes before it is kept.
    Count,
    /// Leave it.
    No,
}

const fn row<A>(keys: &'static [&'static str], action: A, label: &'static str, help: &'static str) -> Binding<A> {
    Binding { keys, action, label, help }
}

use Edit::*;
use Motion::*;

/// Keys of the editor.
#[rustfmt::skip]
pub const WRITE: &[Binding<Write>] = &[
    row(&["F5", "C-Enter", "M-Enter", "C-j"], Write::Run, "or ;↵ run", "run the statement at the cursor, or the selection; F5 to F8 and Ctrl-R work from the results, too"),
    row(&["F6"], Write::RunAll, "run all", "run the whole text, statement by statement, up to the first that fails"),
    row(&["F7"], Write::Plan, "plan", "the plan of the statement at the cursor, or of the selection, without running it"),
    row(&["F8"], Write::Analyze, "", "run the statement for its plan (ANALYZE, BUFFERS), in a transaction that is rolled back; asks when it writes"),
    row(&["M-t"], Write::Try, "", "try INSERT, UPDATE, DELETE or MERGE: see how many rows it changes, then keep or undo it"),
    row(&["Enter"], Write::Enter, "", "a new line; after a ; or a \\ word at the end of the text: run what was written since the last run, in order, as psql does; what is typed next begins a line of its own"),
    row(&["Esc"], Write::Results, "results", "to the results"),
    row(&["C-r"], Write::History, "history", "search the history of this target"),
    row(&["M-o"], Write::Shelf, "", "saved queries: search, look at, take, rename, delete"),
    row(&["C-s"], Write::Save, "", "save the selection or the whole text under a name, for this target or for all"),
    row(&["C-Up", "M-p"], Write::Older, "", "an older statement of the history"),
    row(&["C-Down", "M-n"], Write::Newer, "", "a newer statement of the history"),
    row(&["C-c"], Write::Stop, "", "cancel what runs at the server; twice while nothing runs: leave gatepost"),
    row(&["F1"], Write::Help, "help", "this help"),
    row(&["F2"], Write::Back, "fleet", "back to the fleet; the session stays"),
    row(&["F9"], Write::Catalogue, "catalogue", "the catalogue as a tree: schemas, relations, columns, sizes, DDL"),
    row(&["C-q"], Write::Close, "", "end the session and close the tab"),
    row(&["C-d"], Write::DeleteOrClose, "", "delete the character at the cursor; in an empty editor: close the tab"),
    row(&["Left", "C-b"], Write::Go(Left), "", "a character to the left"),
    row(&["Right", "C-f"], Write::Go(Right), "", "a character to the right"),
    row(&["Up"], Write::Go(Up), "", "a line up; in an empty editor: an older statement"),
    row(&["Down"], Write::Go(Down), "", "a line down"),
    row(&["M-b", "C-Left", "M-Left"], Write::Go(WordLeft), "", "a word to the left"),
    row(&["M-f", "C-Right", "M-Right"], Write::Go(WordRight), "", "a word to the right"),
    row(&["C-a", "Home"], Write::Go(LineStart), "", "to the start of the line"),
    row(&["C-e", "End"], Write::Go(LineEnd), "", "to the end of the line"),
    row(&["C-Home", "M-<"], Write::Go(TextStart), "", "to the start of the text"),
    row(&["C-End", "M->"], Write::Go(TextEnd), "", "to the end of the text"),
    row(&["PageUp", "M-v"], Write::Go(PageUp), "", "a screen up"),
    row(&["PageDown", "C-v"], Write::Go(PageDown), "", "a screen down"),
    row(&["S-Left"], Write::Select(Left), "", "select a character to the left"),
    row(&["S-Right"], Write::Select(Right), "", "select a character to the right"),
    row(&["S-Up"], Write::Select(Up), "", "select a line up"),
    row(&["S-Down"], Write::Select(Down), "", "select a line down"),
    row(&["C-S-Left", "M-S-Left"], Write::Select(WordLeft), "", "select a word to the left"),
    row(&["C-S-Right", "M-S-Right"], Write::Select(WordRight), "", "select a word to the right"),
    row(&["S-Home"], Write::Select(LineStart), "", "select to the start of the line"),
    row(&["S-End"], Write::Select(LineEnd), "", "select to the end of the line"),
    row(&["C-S-Home"], Write::Select(TextStart), "", "select to the start of the text"),
    row(&["C-S-End"], Write::Select(TextEnd), "", "select to the end of the text"),
    row(&["S-PageUp"], Write::Select(PageUp), "", "select a screen up"),
    row(&["S-PageDown"], Write::Select(PageDown), "", "select a screen down"),
    row(&["M-a"], Write::Edit(SelectAll), "", "select everything"),
    row(&["M-w"], Write::Copy, "", "copy the selection"),
    row(&["C-x"], Write::Cut, "", "cut the selection"),
    row(&["C-y"], Write::Edit(Yank), "", "put back what was cut or copied last"),
    row(&["C-z", "C-_", "C-/", "C-7"], Write::Edit(Undo), "", "undo"),
    row(&["M-z", "M-/", "M-_"], Write::Edit(Redo), "", "redo"),
    row(&["M-;"], Write::Edit(Comment), "", "turn the lines into comments, or back"),
    row(&["M-Up"], Write::Edit(MoveUp), "", "move the lines up"),
    row(&["M-Down"], Write::Edit(MoveDown), "", "move the lines down"),
    row(&["M-S-Down"], Write::Edit(Duplicate), "", "the lines once more"),
    row(&["C-]", "C-5"], Write::Go(Bracket), "", "to the bracket that belongs to this one"),
    row(&["M-q"], Write::Format, "", "lay out the statement at the cursor, or the selection"),
    row(&["M-e"], Write::Compose, "", "edit the text in $VISUAL or $EDITOR (setting editor)"),
    row(&["C-Space"], Write::Complete, "", "what could be written here: tables, columns, functions, words"),
    row(&["M-r"], Write::Names, "", "load the names of the database again, for completion"),
    row(&["Tab"], Write::Edit(Indent), "", "after a name: complete it; else indent; a selection of lines: all of them"),
    row(&["BackTab"], Write::Edit(Outdent), "", "outdent the lines"),
    row(&["Backspace", "C-h"], Write::Edit(Backspace), "", "delete the character before the cursor"),
    row(&["Delete"], Write::Edit(Delete), "", "delete the character at the cursor"),
    row(&["C-w", "M-Backspace", "C-Backspace"], Write::Edit(KillWordBack), "", "cut the word before the cursor, or the selection"),
    row(&["M-d", "C-Delete"], Write::Edit(KillWord), "", "cut the word after the cursor"),
    row(&["C-k"], Write::Edit(KillLine), "", "cut to the end of the line"),
    row(&["C-u"], Write::Edit(KillLineBack), "", "cut to the start of the line"),
];

/// Keys of the results.
#[rustfmt::skip]
pub const LOOK: &[Binding<Look>] = &[
    row(&["Esc"], Look::Out, "editor", "stop sorting, searching or exporting; let go of what is marked; else to the editor"),
    row(&["Tab", "i"], Look::Editor, "", "to the editor"),
    row(&["Enter"], Look::Cell, "cell", "the cell, whole: JSON laid out, bytea as hex; of messages: their text"),
    row(&["x"], Look::Expanded, "row", "one row, a column a line"),
    row(&["y"], Look::CopyMenu, "copy", "copy the cell, the row, the column, what is marked or everything, in any format; of messages: those of the last run"),
    row(&["Y"], Look::CopyRow, "", "copy the row, tab-separated"),
    row(&["e"], Look::Export, "export", "write all rows, as shown, to a file"),
    row(&["/"], Look::Find, "find", "look for a text in all rows that were fetched, or in the messages; capitals count if there are any"),
    row(&["n"], Look::FindNext, "", "the next cell, or message, with it"),
    row(&["N"], Look::FindBefore, "", "the cell with it before"),
    row(&["f"], Look::Filter, "filter", "show only some of the rows that were fetched: a text, !text, ~letters in their order (the best first), column = value (also != < <= > >= ~ !~ ~~ !~~, is null), joined by &"),
    row(&["s"], Look::Sort, "sort", "sort by the column: up, then down, then as they came"),
    row(&["S"], Look::SortAlso, "", "sort by the column too, after those it is sorted by already"),
    row(&["u"], Look::AsItCame, "", "rows as they came: neither sorted nor filtered"),
    row(&["c"], Look::Jump, "", "to a column by its name"),
    row(&["<", "H"], Look::Narrower, "", "a narrower column; after a number: by so much"),
    row(&[">", "L"], Look::Wider, "", "a wider column; after a number: by so much"),
    row(&["="], Look::Widths, "", "widths by content again"),
    row(&["F"], Look::Freeze, "", "columns up to this one stay while the others scroll, or not"),
    row(&["-"], Look::Hide, "", "hide the column"),
    row(&["+"], Look::ShowAll, "", "show all columns"),
    row(&["v"], Look::MarkCells, "", "mark cells from here to the cursor, or not"),
    row(&["V"], Look::MarkRows, "", "mark rows from here to the cursor, or not"),
    row(&["S-Up"], Look::ExtendUp, "", "mark a row up"),
    row(&["S-Down"], Look::ExtendDown, "", "mark a row down"),
    row(&["S-Left"], Look::ExtendLeft, "", "mark a column to the left"),
    row(&["S-Right"], Look::ExtendRight, "", "mark a column to the right"),
    row(&["]"], Look::Next, "", "the next result"),
    row(&["["], Look::Previous, "", "the result before"),
    row(&["m"], Look::Messages, "messages", "messages, or rows"),
    row(&["z"], Look::Zoom, "zoom", "results over the whole pane, or not"),
    row(&["Up", "k"], Look::Up, "", "a row up"),
    row(&["Down", "j"], Look::Down, "", "a row down"),
    row(&["Left", "h"], Look::Left, "", "a column to the left"),
    row(&["Right", "l"], Look::Right, "", "a column to the right"),
    row(&["PageUp", "C-b"], Look::PageUp, "", "a screen up"),
    row(&["PageDown", "C-f", "Space"], Look::PageDown, "", "a screen down"),
    row(&["g", "C-Home"], Look::Top, "", "the first row"),
    row(&["G", "C-End"], Look::Bottom, "", "the last row; after a number: that row"),
    row(&["Home", "0", "^"], Look::FirstColumn, "", "the first column"),
    row(&["End", "$"], Look::LastColumn, "", "the last column"),
    row(&["F9"], Look::Catalogue, "", "the catalogue as a tree: schemas, relations, columns, sizes, DDL"),
    row(&["C-c"], Look::Stop, "", "cancel what runs at the server; twice while nothing runs: leave gatepost"),
    row(&["?", "F1"], Look::Help, "help", "this help"),
    row(&["q", "F2"], Look::Back, "fleet", "back to the fleet; the session stays"),
    row(&["C-q"], Look::Close, "", "end the session and close the tab"),
];

/// In a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// One node.
    Up,
    /// One node.
    Down,
    /// A screen.
    PageUp,
    /// A screen.
    PageDown,
    /// The root.
    Top,
    /// The last node.
    Bottom,
    /// Fold or unfold.
    Toggle,
    /// Fold, or to the parent.
    Fold,
    /// Unfold, or to the first child.
    Unfold,
    /// All nodes.
    FoldAll,
    /// All nodes.
    UnfoldAll,
    /// The next node that is marked.
    Next,
    /// The one before.
    Before,
    /// All that is known of the node.
    Details,
    /// The row the tree was made from, or the tree.
    Rows,
    /// The plan as EXPLAIN's text.
    CopyText,
    /// The plan as JSON.
    CopyJson,
}

/// Keys of a plan; those of the results that are not about rows work too.
#[rustfmt::skip]
pub const PLAN: &[Binding<Walk>] = &[
    row(&["Enter"], Walk::Details, "node", "all that is known of the node"),
    row(&["Space"], Walk::Toggle, "fold", "fold or unfold what is below the node"),
    row(&["n"], Walk::Next, "marked", "the next node that is marked"),
    row(&["N"], Walk::Before, "", "the marked node before"),
    row(&["y"], Walk::CopyText, "copy", "copy the plan as EXPLAIN's text"),
    row(&["Y"], Walk::CopyJson, "", "copy the plan as JSON"),
    row(&["t"], Walk::Rows, "", "the JSON it was made from, or the tree"),
    row(&["Up", "k"], Walk::Up, "", "a node up"),
    row(&["Down", "j"], Walk::Down, "", "a node down"),
    row(&["Left", "h"], Walk::Fold, "", "fold the node, or to its parent"),
    row(&["Right", "l"], Walk::Unfold, "", "unfold the node, or to its first child"),
    row(&["-"], Walk::FoldAll, "", "fold every node"),
    row(&["+"], Walk::UnfoldAll, "", "unfold every node"),
    row(&["PageUp", "C-b"], Walk::PageUp, "", "a screen up"),
    row(&["PageDown", "C-f"], Walk::PageDown, "", "a screen down"),
    row(&["g", "Home"], Walk::Top, "", "the root"),
    row(&["G", "End"], Walk::Bottom, "", "the last node"),
];

/// Keys of an open cell.
#[rustfmt::skip]
pub const READ: &[Binding<Read>] = &[
    row(&["Esc", "q", "v", "Enter"], Read::Shut, "close", "close the cell"),
    row(&["Up", "k"], Read::Up, "", "a line up"),
    row(&["Down", "j"], Read::Down, "", "a line down"),
    row(&["PageUp", "C-b"], Read::PageUp, "", "a screen up"),
    row(&["PageDown", "C-f", "Space"], Read::PageDown, "scroll", "a screen down"),
    row(&["Left", "h"], Read::Left, "", "to the left, where lines are not wrapped"),
    row(&["Right", "l"], Read::Right, "", "to the right"),
    row(&["g", "Home"], Read::Top, "", "the beginning"),
    row(&["G", "End"], Read::Bottom, "", "the end"),
    row(&["/"], Read::Find, "find", "look for a text in the cell; capitals count if there are any"),
    row(&["n"], Read::FindNext, "", "the next place with it"),
    row(&["N"], Read::FindBefore, "", "the place with it before"),
    row(&["r"], Read::Raw, "raw", "laid out, or as the server sent it; a text of no row: wrapped, or not"),
    row(&["y"], Read::Copy, "copy", "copy the cell"),
    row(&["C-c"], Read::Stop, "", "cancel what runs at the server"),
];

/// Keys of the history.
#[rustfmt::skip]
pub const SEARCH: &[Binding<Search>] = &[
    row(&["Enter", "Tab"], Search::Take, "take", "put the statement into the editor"),
    row(&["F5"], Search::Run, "run", "put the statement into the editor and run it"),
    row(&["M-a"], Search::Everywhere, "all targets", "search what was run on all targets, or on this one"),
    row(&["Delete", "M-d"], Search::Forget, "", "take the statement out of the history of this target, after a question"),
    row(&["Up", "C-p", "C-r"], Search::Up, "older", "an older one"),
    row(&["Down", "C-n", "C-s"], Search::Down, "newer", "a newer one"),
    row(&["PageUp"], Search::PageUp, "", "a screen up"),
    row(&["PageDown"], Search::PageDown, "", "a screen down"),
    row(&["Backspace", "C-h"], Search::Erase, "", "delete the last character of the search"),
    row(&["C-u", "C-w"], Search::Clear, "", "empty the search"),
    row(&["Esc", "C-g", "C-c"], Search::Shut, "leave", "leave the editor as it was"),
];

/// In what lies over the rows: a line of words, the columns, what to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Do it.
    Take,
    /// Leave it.
    Shut,
    /// The entry above.
    Up,
    /// The entry below.
    Down,
    /// What to copy, or the format of a file.
    Left,
    /// What to copy, or the format of a file.
    Right,
    /// The last character.
    Erase,
    /// All of them.
    Clear,
}

/// Keys of what lies over the rows.
#[rustfmt::skip]
pub const FILL: &[Binding<Fill>] = &[
    row(&["Enter"], Fill::Take, "do it", "do it"),
    row(&["Up", "C-p"], Fill::Up, "", "the entry above"),
    row(&["Down", "C-n"], Fill::Down, "", "the entry below"),
    row(&["Left", "BackTab"], Fill::Left, "", "what to copy, or the format of the file: the one before"),
    row(&["Tab", "Right"], Fill::Right, "change", "what to copy, or the format of the file: the next one"),
    row(&["Backspace", "C-h"], Fill::Erase, "", "delete the last character"),
    row(&["C-u", "C-w"], Fill::Clear, "", "delete all of them"),
    row(&["Esc", "C-c", "C-g"], Fill::Shut, "leave", "leave everything as it was"),
];

/// Keys of a question.
#[rustfmt::skip]
pub const REPLY: &[Binding<Reply>] = &[
    row(&["y"], Reply::Yes, "yes", "do it"),
    row(&["n", "Esc", "q", "C-c"], Reply::No, "no", "leave it"),
];

/// In a question about a statement whose rows can be counted first.
pub const WEIGH: &[Binding<Reply>] = &[
    row(&["y"], Reply::Yes, "yes", "do it"),
    row(
        &["c"],
        Reply::Count,
        "count the rows first",
        "do it in a transaction; see how many rows; then keep or undo it",
    ),
    row(&["n", "Esc", "q", "C-c"], Reply::No, "no", "leave it"),
];
