//! The editor by keys and mouse, as it is in the pane.

use super::*;
use crate::model::EditorKeys;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

#[test]
fn vi_keys_have_modes_that_are_shown() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut bench = Bench::new(width, height);
        bench.pane = bench.pane.clone().with_keys(EditorKeys::Vi);
        bench.keys("K");
        assert_eq!(bench.pane.editor.buffer().text(), "");
        bench.keys("iselect 1;<Enter>");
        assert_eq!(bench.ran(), ["select 1"]);
        bench.orders_of_status();
        bench.keys("<Enter>select 2,<Enter>  3;<Esc>");
        assert!(!bench.pane.types());
        bench.keys("kVj2");
        insta::assert_snapshot!(format!("vi_visual_{width}x{height}"), bench.screen());
        // What is selected is what runs.
        bench.keys("<Esc>V<F5>");
        assert_eq!(bench.ran(), ["3"]);
    }
}

#[test]
fn vi_keys_leave_and_yank_and_search() {
    let mut bench = Bench::new(80, 24);
    bench.pane = bench.pane.clone().with_keys(EditorKeys::Vi);
    bench.keys("iselect 1;<Enter>");
    bench.orders_of_status();
    bench.orders.clear();
    bench.keys("<Esc>yy:act<Enter>");
    assert_eq!(bench.orders, [Order::Copy("select 1;\n".to_owned()), Order::Palette("act".to_owned())]);
    bench.keys("/what");
    assert!(bench.screen().contains(" /what"));
    bench.keys("<Enter>");
    assert_eq!(bench.said(), "what is not in the text");
    // What is said leaves the mode in sight.
    assert!(bench.screen().lines().any(|line| line.starts_with(" NORMAL")), "{}", bench.screen());
    bench.keys("<Esc><Esc>");
    assert_eq!(bench.pane.focus, pane::Focus::Editor, "hands press it to be sure");
    bench.keys("<Tab>");
    assert_eq!(bench.pane.focus, pane::Focus::Results);
    bench.keys("<Tab>");
    assert_eq!(bench.pane.focus, pane::Focus::Editor);
    bench.keys("<C-w>j");
    assert_eq!(bench.pane.focus, pane::Focus::Results);
    bench.keys("<Esc>:w<Enter>");
    assert!(bench.pane.shelf.is_some(), "{}", bench.said());
    bench.keys("<Esc>:$<Enter>osel");
    assert!(bench.pane.completion.popup.is_some());
    bench.keys("<Esc>");
    assert!(bench.pane.completion.popup.is_none() && !bench.pane.types(), "one key ends both");
    bench.orders.clear();
    bench.keys(":q<Enter>y");
    assert_eq!(bench.orders, [Order::Close], "after a question about what was not run");
    bench.keys("<F1>");
    assert!(bench.pane.help().iter().any(|(section, rows)| *section == "vi" && rows.len() > 10));
    bench.keys("cc");
    assert_eq!(bench.pane.editor.buffer().text(), "select 1;\n");
}

#[test]
fn the_mouse_selects_and_pulls_the_text_along() {
    let mut bench = Bench::new(80, 24);
    let lines: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
    bench.input(Input::Paste(lines.join("\n")));
    let mouse = |kind, column, row| Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    bench.input(mouse(MouseEventKind::Down(MouseButton::Left), 1, 3));
    let first = bench.pane.editor.cursor().line;
    bench.input(mouse(MouseEventKind::Drag(MouseButton::Left), 5, 2));
    assert_eq!(bench.pane.editor.copy().as_deref(), Some(" 32\n".replace("32", &(first - 1).to_string()).as_str()));
    for _ in 0..5 {
        bench.input(mouse(MouseEventKind::Drag(MouseButton::Left), 1, 1));
    }
    assert_eq!(bench.pane.editor.cursor().line, first - 6);
}

#[test]
fn the_text_goes_to_another_editor_and_comes_back_as_one_step() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select 1");
    bench.keys("<M-e>");
    assert_eq!(bench.orders.last(), Some(&Order::Compose("select 1".to_owned())));
    bench.input(Input::Composed(Ok("select 1,\r\n  2\n".to_owned())));
    assert_eq!(bench.pane.editor.buffer().text(), "select 1,\n  2");
    bench.keys("<C-z>");
    assert_eq!(bench.pane.editor.buffer().text(), "select 1");
    bench.input(Input::Composed(Err("there is no editor x".to_owned())));
    assert_eq!((bench.said(), bench.pane.editor.buffer().text().as_str()), ("there is no editor x", "select 1"));
}

#[test]
fn the_place_of_an_error_is_marked_until_the_text_is_changed() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select 1, nmae;<Enter>");
    let run = bench.pane.runs;
    let mut diagnosis = Diagnosis::new(Kind::Sql, "column nmae does not exist");
    diagnosis.at = Some(10);
    let now = bench.now;
    bench.news(News::Began { run, index: 0, at: now });
    bench.news(News::Failed { run, index: 0, result: None, diagnosis, timing: Timing::default() });
    bench.news(News::Ended { run });
    let underlined = |bench: &Bench| -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("a test terminal");
        terminal.draw(|frame| view(&bench.pane, frame, frame.area(), Theme { color: true })).expect("drawn");
        let cells = terminal.backend().buffer().content()[2 * 80..3 * 80].iter();
        let marked = cells.filter(|cell| cell.modifier.contains(ratatui::style::Modifier::UNDERLINED));
        marked.map(|cell| cell.symbol().to_owned()).collect()
    };
    assert_eq!(underlined(&bench), "nmae");
    bench.keys("<Right>");
    assert_eq!(underlined(&bench), "nmae");
    bench.keys("x");
    assert_eq!(underlined(&bench), "");
}
