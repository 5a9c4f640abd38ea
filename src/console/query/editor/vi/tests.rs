//! What vi's keys do to a text, by key scripts. `|` is the cursor.

use super::*;
use proptest::prelude::*;

fn key(c: char) -> KeyEvent {
    match c {
        '␛' => KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE),
        '⏎' => KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE),
        '⌫' => KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE),
        'ʳ' => KeyEvent::new(KeyCode::Char('r'), KeyModifiers::CONTROL),
        'ᵃ' => KeyEvent::new(KeyCode::Char('a'), KeyModifiers::CONTROL),
        'ˣ' => KeyEvent::new(KeyCode::Char('x'), KeyModifiers::CONTROL),
        c => KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE),
    }
}

fn press(vi: &mut Vi, editor: &mut Editor, keys: &str) {
    for c in keys.chars() {
        if vi.key(editor, &key(c)) == Effect::Passed && vi.mode() == Mode::Insert {
            match c {
                '⏎' => editor.edit(Edit::Newline),
                '⌫' => editor.edit(Edit::Backspace),
                c => editor.type_in(c),
            }
        }
        editor.fit(80, 10);
    }
}

/// The text after the keys, with the cursor in it.
fn after(text: &str, keys: &str) -> String {
    let at = text.find('|').expect("a cursor");
    let mut editor = Editor::default();
    editor.paste(&text.replacen('|', "", 1));
    let place = editor.buffer().place(at);
    editor.go(place, false);
    editor.fit(80, 10);
    let mut vi = Vi::default();
    press(&mut vi, &mut editor, keys);
    let mut out = editor.buffer().text();
    out.insert(editor.offset(), '|');
    out
}

#[test]
fn motions() {
    for (text, keys, expected) in [
        ("|select a, b", "w", "select |a, b"),
        ("|select a, b", "2w", "select a|, b"),
        ("|select a, b", "2W", "select a, |b"),
        ("select a|, b", "b", "select |a, b"),
        ("select a, |b", "B", "select |a, b"),
        ("|select a, b", "e", "selec|t a, b"),
        ("|select a, b", "eeE", "select a|, b"),
        ("|a\n\nb", "w", "a\n|\nb"),
        ("|a\n\nb", "ww", "a\n\n|b"),
        ("a\n\n|b", "b", "a\n|\nb"),
        ("  one |two", "0", "|  one two"),
        ("  one |two", "^", "  |one two"),
        ("  |one two", "$", "  one tw|o"),
        ("|one", "lllll", "on|e"),
        ("on|e", "hhhh", "|one"),
        ("a|b\nc\nde", "jj", "ab\nc\nd|e"),
        ("ab\nc\nd|e", "kk", "a|b\nc\nde"),
        ("|a\nb\nc", "G", "a\nb\n|c"),
        ("a\nb\n|c", "gg", "|a\nb\nc"),
        ("|a\nb\nc", "2G", "a\n|b\nc"),
        ("|a.b.c.d", "f.", "a|.b.c.d"),
        ("|a.b.c.d", "2f.", "a.b|.c.d"),
        ("|a.b.c.d", "t.;", "a.|b.c.d"),
        ("|a.b.c.d", "f.;;,", "a.b|.c.d"),
        ("a.b.c.|d", "F.", "a.b.c|.d"),
        ("a.b.c.|d", "2T.", "a.b.|c.d"),
        ("|f(a, (b))", "%", "f(a, (b)|)"),
        ("f(a, (b)|)", "%", "f|(a, (b))"),
        ("|f(')',\n  1)", "%", "f(')',\n  1|)"),
        ("|a\nb\n\nc\nd", "}", "a\nb\n|\nc\nd"),
        ("a\nb\n\nc\n|d", "{", "a\nb\n|\nc\nd"),
        ("|one two One", "/one⏎", "one two |One"),
        ("|one two One one", "/One⏎n", "one two |One one"),
        ("|one two\none two\ntwo", "/two⏎nn", "one two\none two\n|two"),
        ("|one two\none two\ntwo", "/two⏎nnn", "one |two\none two\ntwo"),
        ("|one two\none two", "/two⏎nN", "one |two\none two"),
        ("|one two\none", "*", "one two\n|one"),
        ("|e\u{301}世x", "ll", "e\u{301}世|x"),
        ("|one", "9999999999l", "on|e"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
}

#[test]
fn operators_take_motions_and_counts() {
    for (text, keys, expected) in [
        ("|one two three", "dw", "|two three"),
        ("|one two three", "2dw", "|three"),
        ("|one two three four", "d2w", "|three four"),
        ("|a b c d e f g", "2d3w", "|g"),
        ("one |two\nthree", "dw", "one| \nthree"),
        ("|one two", "de", "| two"),
        ("one t|wo", "db", "one |wo"),
        ("one |two", "d0", "|two"),
        ("one |two", "d$", "one| "),
        ("one |two", "D", "one| "),
        ("|a\nb\nc\nd", "dd", "|b\nc\nd"),
        ("|a\nb\nc\nd", "3dd", "|d"),
        ("a\n|b", "dd", "|a"),
        ("|a", "dd", "|"),
        ("|a\nb\nc", "dj", "|c"),
        ("a\nb\n|c", "dk", "|a"),
        ("|a\nb\nc", "dG", "|"),
        ("a\n|b\nc", "dgg", "|c"),
        ("|f(a, b) + 1", "d%", "| + 1"),
        ("|a, b", "dt,", "|, b"),
        ("|a, b", "df,", "| b"),
        ("|one two", "cwxyz␛", "xy|z two"),
        ("|a two", "cwb␛", "|b two"),
        ("one| two", "cwX␛", "one|Xtwo"),
        ("  |one\n  two", "ccx␛", "  |x\n  two"),
        ("|one", "cc␛", "|"),
        ("one |two three", "C!␛", "one |!"),
        ("|one\ntwo", "yyp", "one\n|one\ntwo"),
        ("|one\ntwo", "yyjp", "one\ntwo\n|one"),
        ("|one\ntwo", "yyP", "|one\none\ntwo"),
        ("|one two", "ywwP", "one one| two"),
        ("|one two", "yw$p", "one twoone| "),
        ("|ab", "xp", "b|a"),
        ("|a\nb", "ddp", "b\n|a"),
        ("|a\nb", "yy3p", "a\n|a\na\na\nb"),
        ("|a\nb\nc", ">j", "  |a\n  b\nc"),
        ("    |a\n  b", "<<", "  |a\n  b"),
        ("|a\nb\nc", "3>>", "  |a\n  b\n  c"),
        ("|one Two", "guw", "|one Two"),
        ("one |Two", "guw", "one |two"),
        ("one |two", "gUU", "|ONE TWO"),
        ("|abc", "d5j", "|abc"),
        ("|abc", "dq", "|abc"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
}

#[test]
fn text_objects() {
    for (text, keys, expected) in [
        ("one t|wo three", "diw", "one | three"),
        ("one t|wo three", "daw", "one |three"),
        ("one t|wo", "daw", "on|e"),
        ("select o.na|me, x", "diw", "select o.|, x"),
        ("select o.na|me, x", "diW", "select | x"),
        ("where a = 'on|e two' and", "di'", "where a = '|' and"),
        ("where a = 'on|e two' and", "da'", "where a = |and"),
        ("|where a = 'one' and", "ci'x␛", "where a = '|x' and"),
        ("select \"A| b\" x", "ci\"c␛", "select \"|c\" x"),
        ("f(a, g(b|), ')')", "di(", "f(a, g(|), ')')"),
        ("f(a|, g(b), ')')", "di(", "f(|)"),
        ("f(a|, g(b), ')')", "da)", "|f"),
        ("f(\n  a,\n  |b\n) + 1", "cibx␛", "f(|x) + 1"),
        ("a[1|2]", "ci[3␛", "a[|3]"),
        ("a\n\nb|b\ncc\n\nd", "dip", "a\n\n|\nd"),
        ("a\n\nb|b\ncc\n\nd", "dap", "a\n\n|d"),
        ("a\n\nb|b\ncc\n\nd", "yipP", "a\n\n|bb\ncc\nbb\ncc\n\nd"),
        ("no| brackets", "di(", "no| brackets"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
}

#[test]
fn inserting_and_small_changes() {
    for (text, keys, expected) in [
        ("on|e", "ix␛", "on|xe"),
        ("on|e", "ax␛", "one|x"),
        ("  on|e", "Ix␛", "  |xone"),
        ("o|ne", "Ax␛", "one|x"),
        ("  o|ne\ntwo", "ox␛", "  one\n  |x\ntwo"),
        ("  o|ne\ntwo", "Ox␛", "  |x\n  one\ntwo"),
        ("|", "3ia␛", "aa|a"),
        ("|abc", "3x", "|"),
        ("ab|c", "2X", "|c"),
        ("|abc", "sx␛", "|xbc"),
        ("|abc", "2sx␛", "|xc"),
        ("|abc", "rx", "|xbc"),
        ("|abc", "3rx", "xx|x"),
        ("|abc", "4rx", "|abc"),
        ("a|b\n  c", "J", "ab| c"),
        ("|a\nb\nc\nd", "3J", "a b| c\nd"),
        ("|aBc", "~~", "Ab|c"),
        ("|abc", "xxu", "|bc"),
        ("|abc", "xxuu", "|abc"),
        ("|abc", "xxuuʳ", "|bc"),
        ("|", "ione two three␛u", "|"),
        ("|a b", "cwone two␛u", "|a b"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
}

#[test]
fn the_last_change_is_made_again() {
    for (text, keys, expected) in [
        ("|a b c d", "dw.", "|c d"),
        ("|a b c d", "dw..", "|d"),
        ("|one two", "cwx␛w.", "x |x"),
        ("|a\nb", "Ax;␛j.", "ax;\nbx|;"),
        ("|a\nb\nc", "dd.", "|c"),
        ("|abcd", "x..", "|d"),
        ("|abcd", "rxl.", "x|xcd"),
        ("|a\nb", "ox␛.", "a\nx\n|x\nb"),
        ("f|(a) + g(b)", "di(f(.", "f() + g(|)"),
        ("|a b", "dw.u", "|b"),
        ("|a b c", "yw.", "|a b c"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
}

#[test]
fn selections() {
    for (text, keys, expected) in [
        ("|one two", "ved", "| two"),
        ("|one two", "vwd", "|wo"),
        ("o|ne\ntwo", "Vd", "|two"),
        ("|a\nb\nc", "Vjd", "|c"),
        ("|a\nb\nc", "Vj>", "  |a\n  b\nc"),
        ("|one two", "veyP", "on|eone two"),
        ("|one two", "vecx␛", "|x two"),
        ("f(a, |b)", "vi(d", "f(|)"),
        ("|one two", "yiwwviwp", "one on|e"),
        ("on|e two", "vohd", "o| two"),
        ("|one", "v~", "|One"),
        ("|one two", "vee␛x", "one t|w"),
        ("|a\nb\nc", "VjJ", "a| b\nc"),
        ("|a\nb", "vjj␛", "a\n|b"),
        ("a|b\ncd", "vV␛x", "|a\ncd"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
}

#[test]
fn modes_are_told_and_what_is_not_ours_is_passed_on() {
    let mut editor = Editor::default();
    editor.paste("select 1");
    editor.fit(80, 10);
    let mut vi = Vi::default();
    assert_eq!(vi.status(), "NORMAL");
    assert_eq!(vi.key(&mut editor, &key('␛')), Effect::Taken, "once too often leads nowhere");
    press(&mut vi, &mut editor, "2d");
    assert_eq!(vi.status(), "NORMAL 2d");
    assert_eq!(vi.key(&mut editor, &key('␛')), Effect::Taken);
    press(&mut vi, &mut editor, "V");
    assert_eq!((vi.status().as_str(), editor.copy()), ("VISUAL LINE", Some("select 1".to_owned())));
    press(&mut vi, &mut editor, "␛/sel");
    assert_eq!(vi.status(), "/sel");
    press(&mut vi, &mut editor, "␛");
    press(&mut vi, &mut editor, ":w");
    assert_eq!(vi.status(), ":w");
    assert_eq!(vi.key(&mut editor, &key('⏎')), Effect::Line("w".to_owned()));
    assert_eq!(vi.key(&mut editor, &KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE)), Effect::Results);
    vi.key(&mut editor, &KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL));
    assert_eq!(vi.key(&mut editor, &key('j')), Effect::Results);
    press(&mut vi, &mut editor, "Z");
    assert_eq!(vi.key(&mut editor, &key('Z')), Effect::Line("q".to_owned()));
    press(&mut vi, &mut editor, "R");
    assert_eq!(vi.status(), "REPLACE");
    press(&mut vi, &mut editor, "␛");
    assert_eq!(vi.key(&mut editor, &KeyEvent::new(KeyCode::F(5), KeyModifiers::NONE)), Effect::Passed);
    press(&mut vi, &mut editor, "/nowhere");
    assert_eq!(vi.key(&mut editor, &key('⏎')), Effect::Missing("nowhere".to_owned()));
    press(&mut vi, &mut editor, "yy");
    assert_eq!(vi.key(&mut editor, &key('i')), Effect::Taken);
    assert_eq!(vi.status(), "INSERT");
    assert_eq!(vi.key(&mut editor, &key('x')), Effect::Passed);
}

#[test]
fn replacing_joining_and_numbers() {
    for (text, keys, expected) in [
        ("|abc def", "Rxy␛", "x|yc def"),
        ("ab|c", "Rxyz␛", "abxy|z"),
        ("|abc", "Rxy⌫⌫⌫␛", "|abc"),
        ("|abc", "Rxy␛u", "|abc"),
        ("|abc\nabc", "Rxy␛j0.", "xyc\nx|yc"),
        ("|a\n  b", "gJ", "a|  b"),
        ("limit |100", "ᵃ", "limit 10|1"),
        ("|limit 9 offset 5", "ᵃ", "limit 1|0 offset 5"),
        ("limit |100", "5ˣ", "limit 9|5"),
        ("x = |-1", "2ᵃ", "x = |1"),
        ("|none", "ᵃ", "|none"),
        ("|a\nb", "gcc", "-- |a\nb"),
        ("|a\nb", "gccgcc", "|a\nb"),
        ("|a\nb\nc", "gcj", "-- |a\n-- b\nc"),
        ("|a\nb\nc", "Vjgc", "-- |a\n-- b\nc"),
        ("|select a,b from t where x=1", "==", "|select\n  a,\n  b\nfrom\n  t\nwhere\n  x = 1"),
    ] {
        let after = after(text, keys);
        let same = match keys {
            // How it is laid out is the formatter's.
            "==" => after.contains('\n') && after.starts_with('|'),
            _ if keys.contains("gc") => after.replace('|', "") == expected.replace('|', ""),
            _ => after == expected,
        };
        assert!(same, "{text:?} {keys}: {after:?}");
    }
}

#[test]
fn registers_and_marks() {
    for (text, keys, expected) in [
        ("|one two", "\"ayww\"bye\"aP", "one one| two"),
        ("|one two", "yiww\"_diw\"0P", "oneon|e "),
        ("|one two", "yiww\"_diwP", "oneon|e "),
        ("|one two", "yiwwdiwP", "onetw|o "),
        ("|one two", "yiwwdiw\"0P", "oneon|e "),
        ("|a\nb\nc", "\"ayyjdd\"ap", "a\nc\n|a"),
        ("|a b c", "\"adw.", "|c"),
        ("|one", "\"+yiw", "|one"),
        ("a\n  b|b\nc", "mxgg`x", "a\n  b|b\nc"),
        ("a\n  b|b\nc", "mxgg'x", "a\n  |bb\nc"),
        ("a\n  b|b\nc", "mxggd'x", "|c"),
        ("|one two three", "mawwd`a", "|three"),
        ("|a\nb\nc", "G``", "|a\nb\nc"),
        ("|a\nb\nc", "G''", "|a\nb\nc"),
        ("|one two", "ve␛wgvd", "| two"),
        ("|abc", "`q", "|abc"),
        ("|abc", "\"%x", "|bc"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
    // Appended to a register.
    assert_eq!(after("|one two", "\"ayew\"Aye$\"ap"), "one twoonetw|o");
}

#[test]
fn motions_of_two_keys_searches_under_an_operator_and_columns() {
    for (text, keys, expected) in [
        ("one two| three", "ge", "one tw|o three"),
        ("one t|wo three", "ge", "on|e two three"),
        ("one, t|wo", "ge", "one|, two"),
        ("one, t|wo", "gE", "one|, two"),
        ("one, |two", "2ge", "on|e, two"),
        ("one\n|two", "ge", "on|e\ntwo"),
        ("|  one  ", "g_", "  on|e  "),
        ("|one two", "dge", "|ne two"),
        ("|one two three", "d/three⏎", "|three"),
        ("|one two three", "c/two⏎x␛", "|xtwo three"),
        ("|one two three", "d/nowhere⏎", "|one two three"),
        ("|one two three", "d/tw␛w", "one |two three"),
        ("one two |three", "d?two⏎", "one |three"),
        ("one two |three", "5|", "one |two three"),
        ("  one |two", "_", "  |one two"),
        ("|a b c d e f", "dw3.", "|e f"),
        ("|a b c d e f", "2dw.", "|e f"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
}

#[test]
fn the_command_line_goes_to_lines_and_substitutes() {
    for (text, keys, expected) in [
        ("|a\nb\nc", ":2⏎", "a\n|b\nc"),
        ("|a\nb\nc", ":$⏎", "a\nb\n|c"),
        ("|a\nb\nc", ":99⏎", "a\nb\n|c"),
        ("|a a\na", ":s/a/x/⏎", "|x a\na"),
        ("|a a\na", ":s/a/x/g⏎", "|x x\na"),
        ("|a a\na", ":%s/a/x/g⏎", "x x\n|x"),
        ("|a a\na", ":%s/a/x/g⏎u", "|a a\na"),
        ("|a\na\na", "Vj:s/a/x⏎", "x\n|x\na"),
        ("|a/b", ":s,a/b,x,⏎", "|x"),
        ("|abc", ":␛x", "|bc"),
        ("|abc", ":2⌫⌫x", "|bc"),
    ] {
        assert_eq!(after(text, keys), expected, "{text:?} {keys}");
    }
}

#[test]
fn what_is_not_had_is_said_and_changes_nothing() {
    for keys in ["qa", "@a", "[(", "U", "K", "&", "zq", "Zx", "gq", "(", "Q", "dit"] {
        let mut editor = Editor::default();
        editor.paste("select 1");
        let mut vi = Vi::default();
        let last = keys.chars().map(|c| vi.key(&mut editor, &key(c))).last();
        assert!(matches!(last, Some(Effect::Said(_))), "{keys}: {last:?}");
        assert_eq!((editor.buffer().text().as_str(), vi.mode()), ("select 1", Mode::Normal), "{keys}");
        assert_eq!(vi.status(), "NORMAL", "{keys}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_keys_break_it_and_undo_takes_all_of_them_back(
        text in "[a(é世'\\n ]{0,30}",
        keys in proptest::collection::vec(prop::sample::select("23hjklwbeWBE0^$gGfFtT;,%{}dcy><xXsSrJpPiaoOIA.nN*/~uvVʳᵃˣ␛␛⏎(é\"'`mRgzc=:Dw HLM".chars().collect::<Vec<char>>()), 0..60)
    ) {
        let mut editor = Editor::default();
        editor.paste(&text);
        let mut vi = Vi::default();
        for c in &keys {
            press(&mut vi, &mut editor, &c.to_string());
            let cursor = editor.cursor();
            prop_assert!(editor.buffer().lines()[cursor.line].is_char_boundary(cursor.byte));
            if let Some(range) = editor.selection() {
                prop_assert!(range.start < range.end);
                editor.buffer().slice(range);
            }
        }
        let mut edition = u64::MAX;
        while edition != editor.edition() {
            edition = editor.edition();
            editor.edit(Edit::Undo);
        }
        prop_assert_eq!(editor.buffer().text(), "");
    }
}
