//! vi's keys as the help lists them. What they do is in the files beside this one, and every key listed here is one of
//! theirs. It must not know how help is shown.

use crate::console::keys::Binding;

const fn row(keys: &'static [&'static str], help: &'static str) -> Binding<()> {
    Binding { keys, action: (), label: "", help }
}

/// vi's keys, with the setting `editor_keys = "vi"`.
#[rustfmt::skip]
pub const VI: &[Binding<()>] = &[
    row(&["i a I A o O"], "insert: here, behind, at the line's start or end, on a new line below or above; Esc ends it"),
    row(&["R"], "replace what stands here by what is typed; Backspace brings it back"),
    row(&["v V gv o"], "select characters or lines; the last selection again; its other end"),
    row(&["Tab", "C-w j"], "to the results; Tab there leads back"),
    row(&["h j k l", "w b e ge"], "by characters, lines, words; W B E gE: by what stands between spaces"),
    row(&["0 ^ $ g_ | _ + -"], "in the line; by lines to their first character"),
    row(&["gg G { } %", "H M L"], "to a line by its number, to the end, by paragraphs, to the bracket, in what is shown"),
    row(&["f F t T ; ,"], "to a character of the line, or before it; once more; the other way"),
    row(&["/ ? n N * #"], "search the text, in any case unless there are capitals; the word at the cursor"),
    row(&["m ` '"], "mark a place by a letter; to it; to its line; twice: to where one jumped from"),
    row(&["d c y", "D C Y x X s S"], "delete, change, yank what a motion or a text object means; twice: lines"),
    row(&["> < = gc", "gu gU g~ ~"], "indent, outdent, lay out, comment; lower, upper, other case"),
    row(&["iw iW i\" i' i`", "i( i[ ip"], "text objects: words, quotes, brackets, paragraphs; with a, what is around them too"),
    row(&["r J gJ", "C-a C-x"], "replace a character, join lines; add to or take from the number"),
    row(&["p P \""], "put behind or before; \" names a register: a to z, A to Z to append, 0, _, +"),
    row(&["u C-r ."], "undo, redo, the last change again"),
    row(&["C-d C-u C-f C-b", "zz zt zb"], "scroll; also C-e C-y"),
    row(&[":"], "a line's number; s/a/b/g and %s/a/b/g with literal texts; w saves the text under a name, q closes the tab; else a command by its name"),
    row(&["ZZ ZQ"], "close the tab"),
];
