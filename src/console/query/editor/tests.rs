//! The editor against a plain string, and what each edit does.

use super::*;
use proptest::prelude::*;

/// What a test does to the editor and to the plain model of it.
#[derive(Clone, Debug)]
enum Step {
    Type(char),
    Paste(String),
    Travel(Motion, bool),
    Edit(Edit),
}

fn step() -> impl Strategy<Value = Step> {
    use Motion::*;
    let motion = prop::sample::select(vec![
        Left, Right, Up, Down, WordLeft, WordRight, LineStart, LineEnd, PageUp, PageDown, TextStart, TextEnd, Bracket,
    ]);
    let edit = prop::sample::select(vec![
        Edit::Newline,
        Edit::Indent,
        Edit::Backspace,
        Edit::Delete,
        Edit::KillLine,
        Edit::KillLineBack,
        Edit::KillWordBack,
        Edit::KillWord,
        Edit::Yank,
        Edit::Comment,
        Edit::Outdent,
        Edit::Duplicate,
        Edit::MoveUp,
        Edit::MoveDown,
        Edit::SelectAll,
    ]);
    prop_oneof![
        4 => prop::sample::select(vec!['a', ' ', ';', '(', 'é', '世', '\u{301}', '\t', '\'']).prop_map(Step::Type),
        1 => "[a\r\n世 ]{0,9}".prop_map(Step::Paste),
        4 => (motion, any::<bool>()).prop_map(|(motion, select)| Step::Travel(motion, select)),
        3 => edit.prop_map(Step::Edit),
    ]
}

fn take(editor: &mut Editor, step: &Step) {
    match step {
        Step::Type(c) => editor.type_in(*c),
        Step::Paste(text) => editor.paste(text),
        Step::Travel(motion, select) => editor.travel(*motion, *select),
        Step::Edit(edit) => editor.edit(*edit),
    }
    editor.fit(20, 4);
}

proptest! {
    #[test]
    fn edits_do_to_lines_what_they_do_to_a_string(steps in proptest::collection::vec(step(), 1..60)) {
        let mut editor = Editor::default();
        for step in &steps {
            let text = editor.buffer.text();
            let at = editor.buffer.offset(editor.cursor);
            let range = editor.selection().map_or(at..at, |range| {
                editor.buffer.offset(range.start)..editor.buffer.offset(range.end)
            });
            take(&mut editor, step);
            let now = editor.buffer.text();
            let cursor = editor.buffer.offset(editor.cursor);
            prop_assert!(now.is_char_boundary(cursor));
            let put = |new: &str| format!("{}{new}{}", &text[..range.start], &text[range.end..]);
            match step {
                Step::Type(c) => {
                    prop_assert_eq!(&now, &put(c.encode_utf8(&mut [0; 4])));
                    prop_assert_eq!(cursor, range.start + c.len_utf8());
                }
                Step::Paste(new) => {
                    let new = new.replace("\r\n", "\n").replace('\r', "\n");
                    prop_assert_eq!(&now, &put(&new));
                }
                Step::Travel(..) => prop_assert_eq!(&now, &text),
                Step::Edit(Edit::Backspace | Edit::Delete | Edit::KillWordBack) if range.start != range.end => {
                    prop_assert_eq!(&now, &put(""));
                }
                Step::Edit(_) => {}
            }
        }
    }

    #[test]
    fn undo_goes_back_to_the_beginning_and_redo_to_the_end(steps in proptest::collection::vec(step(), 1..60)) {
        let mut editor = Editor::default();
        steps.iter().for_each(|step| take(&mut editor, step));
        let end = editor.buffer.text();
        let mut states = Vec::new();
        loop {
            let (edition, text) = (editor.edition, editor.buffer.text());
            editor.edit(Edit::Undo);
            if editor.edition == edition {
                break;
            }
            states.push(text);
        }
        prop_assert_eq!(editor.buffer.text(), "");
        for state in states.iter().rev() {
            editor.edit(Edit::Redo);
            prop_assert_eq!(&editor.buffer.text(), state);
        }
        prop_assert_eq!(editor.buffer.text(), end);
    }
}

fn editor(text: &str) -> Editor {
    let mut editor = Editor::default();
    editor.paste(text);
    editor
}

#[test]
fn comments_go_on_and_off() {
    let mut editor = editor("select 1,\n\n  2");
    editor.edit(Edit::SelectAll);
    editor.edit(Edit::Comment);
    assert_eq!(editor.buffer.text(), "-- select 1,\n\n--   2");
    editor.edit(Edit::SelectAll);
    editor.edit(Edit::Comment);
    assert_eq!(editor.buffer.text(), "select 1,\n\n  2");
}

#[test]
fn what_is_killed_can_be_yanked_and_typing_is_undone_by_words() {
    let mut editor = editor("one two");
    editor.edit(Edit::KillWordBack);
    editor.travel(Motion::LineStart, false);
    editor.edit(Edit::Yank);
    assert_eq!(editor.buffer.text(), "twoone ");
    editor.edit(Edit::SelectAll);
    editor.edit(Edit::Delete);
    "select count".chars().for_each(|c| editor.type_in(c));
    editor.edit(Edit::Undo);
    assert_eq!(editor.buffer.text(), "select ");
    editor.edit(Edit::Undo);
    assert_eq!(editor.buffer.text(), "");
}

#[test]
fn lines_keep_their_indentation_and_tabs_stay() {
    let mut editor = editor("\tselect 1");
    editor.edit(Edit::Newline);
    assert_eq!(editor.buffer.text(), "\tselect 1\n\t");
}

#[test]
fn what_is_erased_in_a_row_comes_back_in_one_step() {
    let mut editor = editor("select");
    (0..4).for_each(|_| editor.edit(Edit::Backspace));
    editor.edit(Edit::Undo);
    assert_eq!(editor.buffer.text(), "select");
    editor.travel(Motion::TextStart, false);
    (0..3).for_each(|_| editor.edit(Edit::Delete));
    assert_eq!(editor.buffer.text(), "ect");
    editor.edit(Edit::Undo);
    assert_eq!(editor.buffer.text(), "select");
}

#[test]
fn an_open_step_is_taken_back_whole() {
    let mut editor = editor("a b");
    editor.open_step();
    editor.replace_range(0..1, "xyz");
    "two words".chars().for_each(|c| editor.type_in(c));
    editor.close_step();
    editor.type_in('!');
    editor.edit(Edit::Undo);
    assert_eq!(editor.buffer.text(), "xyztwo words b");
    editor.edit(Edit::Undo);
    assert_eq!(editor.buffer.text(), "a b");
    editor.edit(Edit::Redo);
    assert_eq!(editor.buffer.text(), "xyztwo words b");
}

#[test]
fn a_range_is_replaced_as_one_step_with_the_cursor_behind_it() {
    let mut editor = editor("select cus from t\n");
    editor.go(Place { line: 0, byte: 10 }, false);
    assert_eq!((editor.offset(), editor.line_before()), (10, "select cus"));
    editor.replace_range(7..10, "\"Customer\"");
    assert_eq!(editor.buffer.text(), "select \"Customer\" from t\n");
    assert_eq!(editor.offset(), 17);
    editor.edit(Edit::Undo);
    assert_eq!((editor.buffer.text().as_str(), editor.offset()), ("select cus from t\n", 10));
}

#[test]
fn selected_lines_are_shifted_moved_and_doubled_again_and_again() {
    let mut editor = editor("a\n\tb\n\nc");
    editor.go(Place { line: 0, byte: 0 }, false);
    editor.go(Place { line: 2, byte: 0 }, true);
    editor.edit(Edit::Indent);
    assert_eq!(editor.buffer.text(), "  a\n  \tb\n\nc");
    editor.edit(Edit::Outdent);
    editor.edit(Edit::Outdent);
    assert_eq!(editor.buffer.text(), "a\nb\n\nc");
    editor.edit(Edit::MoveDown);
    editor.edit(Edit::MoveDown);
    editor.edit(Edit::MoveDown);
    assert_eq!(editor.buffer.text(), "\nc\na\nb");
    editor.edit(Edit::MoveUp);
    editor.edit(Edit::Duplicate);
    assert_eq!(editor.buffer.text(), "\na\nb\na\nb\nc");
    for _ in 0..8 {
        editor.edit(Edit::Undo);
    }
    assert_eq!(editor.buffer.text(), "");
}

#[test]
fn brackets_match_over_lines_and_not_in_strings_or_comments() {
    let mut editor = editor("select (')', /* ( */ \"(\" -- )\n  [1, (2)\n  ]) + $$ ( $$");
    editor.fit(80, 24);
    let place = |line, byte| Place { line, byte };
    editor.go(place(0, 7), false);
    assert_eq!(editor.brackets(), Some([place(0, 7), place(2, 3)]));
    editor.travel(Motion::Bracket, false);
    assert_eq!(editor.cursor(), place(2, 3));
    editor.go(place(1, 2), false);
    assert_eq!(editor.brackets(), Some([place(1, 2), place(2, 2)]));
    editor.go(place(0, 10), false);
    assert_eq!(editor.brackets(), None);
    // Right behind a bracket it is meant too.
    editor.go(place(1, 9), false);
    assert_eq!(editor.brackets(), Some([place(1, 8), place(1, 6)]));
}

#[test]
fn a_key_in_five_megabytes_lexes_a_line_or_two() {
    let line = "insert into t values (1, 'x', $$y$$); -- \u{fc}n\u{ef}code";
    let text = vec![line; 100_000].join("\n");
    assert!(text.len() > 5_000_000);
    let mut editor = editor(&text);
    let mut rounds = 0;
    while rounds == 0 || editor.lags() {
        editor.fit(80, 20);
        rounds += 1;
    }
    // Colours come in pieces, so that no round takes long.
    assert!((10..40).contains(&rounds), "{rounds} rounds");
    let mut most = 0;
    for at in [99_999, 50_000, 0] {
        editor.go(Place { line: at, byte: 10 }, false);
        editor.fit(80, 20);
        for edit in [Edit::Newline, Edit::Backspace, Edit::Comment, Edit::KillWord, Edit::Undo, Edit::Indent] {
            let before = editor.colours.lexed();
            editor.edit(edit);
            editor.fit(80, 20);
            most = most.max(editor.colours.lexed() - before);
            assert!(!editor.lags());
        }
        editor.type_in('\'');
        editor.fit(80, 20);
        editor.edit(Edit::Backspace);
        editor.fit(80, 20);
    }
    assert!(most <= 30, "{most} lines for one key");
    let before = editor.colours.lexed();
    let here = editor.statement().expect("a statement");
    assert!(here.text.contains("values (1"), "{}", here.text);
    assert!(editor.colours.lexed() - before <= 30);
}

#[test]
fn the_statement_at_the_cursor_is_marked_where_there_are_others() {
    let mut editor = editor("select 1;\nselect 2,\n  3;\n");
    editor.go(Place { line: 1, byte: 3 }, false);
    editor.fit(80, 24);
    assert_eq!(editor.marked(), Some(1..=2));
    editor.set("select 2,\n  3;\n");
    editor.fit(80, 24);
    assert_eq!(editor.marked(), None);
}

/// Pieces of text in which statements end in all the ways they can.
const PIECES: [&str; 26] = [
    "select 1",
    ";",
    "\n",
    "\n",
    "\n",
    " ",
    "-- c",
    "/* c */",
    "/*",
    "*/",
    "'",
    "$$",
    "$a$",
    "\"",
    "(",
    ")",
    "begin atomic ",
    "create function f() ",
    "end",
    "case ",
    "\\d t",
    "\\g",
    "copy t from stdin",
    "\\.\n",
    "E'\\'",
    "x",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_statement_found_by_lines_is_the_one_found_in_the_whole(
        pieces in proptest::collection::vec(prop::sample::select(PIECES.to_vec()), 0..50), at in any::<prop::sample::Index>()
    ) {
        let text = pieces.concat();
        let mut editor = editor(&text);
        let at = text.floor_char_boundary(at.index(text.len() + 1));
        let place = editor.buffer.place(at);
        editor.go(place, false);
        let whole = crate::model::sql::statement_at(&text, at);
        let here = editor.statement();
        prop_assert_eq!(here.as_ref().map(|here| here.bytes.clone()), whole.map(|whole| whole.start..whole.end), "{:?} at {}", text, at);
        if let (Some(here), Some(whole)) = (here, whole) {
            prop_assert_eq!(here.text, whole.of(&text));
            let last = crate::model::sql::statements(&text).last().map(|last| last.start) == Some(whole.start);
            prop_assert_eq!(here.last, last);
        }
    }
}

#[test]
fn what_a_narrow_window_scrolled_away_is_back_in_a_wide_one() {
    let mut editor = editor("select date_trunc('day', now())");
    editor.travel(Motion::TextEnd, false);
    editor.fit(80, 5);
    assert_eq!(editor.corner(), (0, 0));
    editor.fit(20, 5);
    assert!(editor.corner().1 > 0);
    editor.fit(80, 5);
    assert_eq!(editor.corner(), (0, 0));
}
