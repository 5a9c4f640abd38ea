//! Writing with completion: what opens, what keys mean then, what is put in, and what it looks like.

use super::*;
use crate::model::catalogue::{Builder, Catalogue, RelationKind};

/// The shop, with names that are hard to write.
fn shop() -> Catalogue {
    let mut builder = Builder::default();
    for schema in ["public", "audit", "pg_catalog"] {
        builder.schema(schema);
    }
    let orders = builder.relation(
        "public",
        "orders",
        RelationKind::Table,
        [
            ("id", "bigint"),
            ("customer_id", "bigint"),
            ("status", "order_status"),
            ("placed_at", "timestamp with time zone"),
        ],
    );
    let customers = builder.relation(
        "public",
        "customers",
        RelationKind::Table,
        [("id", "bigint"), ("name", "text"), ("email", "text")],
    );
    builder.relation("public", "order_totals", RelationKind::View, [("order_id", "bigint"), ("total", "numeric")]);
    builder.relation("public", "Mixed \"Case\u{1b}[31m", RelationKind::Table, [("Select", "text"), ("from", "text")]);
    builder.relation("audit", "events", RelationKind::Table, [("id", "bigint"), ("payload", "jsonb")]);
    builder.relation("audit", "orders", RelationKind::Table, [("id", "bigint")]);
    builder.relation("pg_catalog", "pg_stat_activity", RelationKind::View, [("pid", "integer"), ("state", "text")]);
    builder.key(orders, customers, [("customer_id", "id")]);
    builder.function("pg_catalog", "count", "\"any\"", "bigint", false);
    builder.function("pg_catalog", "now", "", "timestamp with time zone", false);
    builder.function("public", "order_total", "order_id bigint, with_tax boolean DEFAULT true", "numeric", false);
    builder.of_type("public", "order_status", "order_status", ["new", "paid", "shipped", "it's odd"]);
    builder.of_type("pg_catalog", "int8", "bigint", []);
    builder.of_type("pg_catalog", "text", "text", []);
    builder.setting("client_min_messages", "notice", ["debug", "notice", "warning", "error"], "");
    builder.setting("search_path", "\"$user\", public", [], "");
    builder.role("app");
    builder.database("shop");
    ["pg_catalog", "public"].iter().for_each(|schema| builder.on_path(schema));
    builder.finish()
}

fn bench(width: u16, height: u16) -> Bench {
    let mut bench = Bench::new(width, height);
    bench.input(Input::Names(Names::Ready(Arc::new(shop()))));
    bench
}

/// The text after a script of keys, the cursor as `|`.
fn text(script: &str) -> String {
    let mut bench = bench(80, 24);
    bench.keys(script);
    let editor = &bench.pane.editor;
    let mut text = editor.buffer().text();
    text.insert(editor.offset(), '|');
    text
}

#[test]
fn what_is_chosen_is_put_in_as_it_must_be_written() {
    let mut wrong = Vec::new();
    for (script, wanted) in [
        ("select * from ord<Tab>", "select * from orders|"),
        ("select * from cust<Tab>", "select * from customers|"),
        ("select * from ev<Tab>", "select * from audit.events|"),
        ("select * from audit.ord<Tab>", "select * from audit.orders|"),
        ("select * from aud<Tab>", "select * from audit.|"),
        ("select * from aud<Tab><Tab>", "select * from audit.events|"),
        ("select * from mix<Tab>", "select * from \"Mixed \"\"Case\u{1b}[31m\"|"),
        ("select * from \"Mi<Tab>", "select * from \"Mixed \"\"Case\u{1b}[31m\"|"),
        ("select * from pg_stat<Tab>", "select * from pg_stat_activity|"),
        ("select * from orders o where o.cu<Tab>", "select * from orders o where o.customer_id|"),
        ("select * from orders o join <Tab>", "select * from orders o join customers c on c.id = o.customer_id|"),
        ("SELECT * FROM orders o JOIN cu<Tab>", "SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id|"),
        (
            "select * from customers c join orders o on <Tab>",
            "select * from customers c join orders o on o.customer_id = c.id|",
        ),
        ("select coun<Tab>", "select count(|)"),
        ("select x.nothing<Tab>", "select x.nothing|"),
        ("select now<Tab>", "select now()|"),
        ("select order_to<Tab>", "select order_total(|)"),
        ("insert into orders (sta<Tab>", "insert into orders (status|"),
        ("update orders set pl<Tab>", "update orders set placed_at|"),
        ("alter table orders drop column st<Tab>", "alter table orders drop column status|"),
        ("select * from orders where status = '<Tab>", "select * from orders where status = 'new'|"),
        ("select * from orders where status = 'it<Tab>", "select * from orders where status = 'it''s odd'|"),
        ("set client_min<Tab>", "set client_min_messages|"),
        ("set client_min_messages to warn<Tab>", "set client_min_messages to warning|"),
        ("set search_path to au<Tab>", "set search_path to audit|"),
        ("set role a<Tab>", "set role app|"),
        ("select 1::big<Tab>", "select 1::bigint|"),
        ("\\d eve<Tab>", "\\d audit.events|"),
        ("\\c sh<Tab>", "\\c shop|"),
        ("\\tim<Tab>", "\\timing|"),
        ("sel<Tab>", "select|"),
        ("SEL<Tab>", "SELECT|"),
        (
            "with x as (select id as total_id from orders) select tot<Tab>",
            "with x as (select id as total_id from orders) select order_total(|)",
        ),
        (
            "with x as (select id as total_id from orders) select * from x where tot<Tab>",
            "with x as (select id as total_id from orders) select * from x where total_id|",
        ),
        // Both have an id: it must be said whose.
        ("select * from orders o, customers c where id<Tab>", "select * from orders o, customers c where o.id|"),
    ] {
        let got = text(script).replace("  |", "|");
        if got != wanted {
            wrong.push(format!("{script}\n  {got}\n  {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn columns_are_known_before_from_is_passed() {
    let mut bench = bench(80, 24);
    bench.keys("select  from orders o");
    for _ in 0..=" from orders".len() + 1 {
        bench.keys("<Left>");
    }
    bench.keys("o.st<Tab>");
    assert_eq!(bench.pane.editor.buffer().text(), "select o.status from orders o");
}

#[test]
fn enter_and_arrows_are_taken_only_by_who_has_moved_into_the_list() {
    let mut pane = bench(80, 24);
    pane.keys("select * from ord");
    assert!(pane.pane.completion.popup.is_some());
    pane.keys("<Enter>");
    assert_eq!(pane.pane.editor.buffer().text(), "select * from ord\n", "Enter breaks the line");
    assert!(pane.pane.completion.popup.is_none());

    assert_eq!(text("select 1\nfrom ord<Up>"), "select 1|\nfrom ord", "Up goes up");
    assert_eq!(text("select * from ord<Down><Enter>"), "select * from orders|");
    let second = text("select * from ord<Down><Down><Enter>");
    assert_eq!(second, "select * from order_totals|");
    assert_eq!(text("select * from ord<Down><Down><Up><Enter>"), "select * from orders|");
    assert_eq!(text("select * from ord<Down><Up><Enter>"), "select * from ord\n|", "out of the list again");

    let mut pane = bench(80, 24);
    pane.keys("select * from orders;<Enter>");
    assert_eq!(pane.ran(), ["select * from orders"], "a finished statement runs");

    let mut pane = bench(80, 24);
    pane.keys("select * from ord<Esc>");
    assert!(pane.pane.completion.popup.is_none());
    pane.keys("<Esc>e");
    assert_eq!(pane.pane.editor.buffer().text(), "select * from orde", "the first Esc closed the list only");
}

#[test]
fn it_stays_away_where_nothing_is_named() {
    for script in
        ["select 'from ord", "-- from ord", "select 1 as ord", "select 12", "select * from orders ", "o ", "x = 'ne"]
    {
        let mut pane = bench(80, 24);
        pane.keys(script);
        assert!(pane.pane.completion.popup.is_none(), "{script}\n{}", pane.screen());
    }
    let mut pane = bench(80, 24);
    pane.pane.complete_as_you_type(false);
    pane.keys("select * from ord");
    assert!(pane.pane.completion.popup.is_none(), "switched off");
    pane.input(Input::Key(KeyEvent::new(KeyCode::Char(' '), KeyModifiers::CONTROL)));
    assert!(pane.pane.completion.popup.is_some(), "on demand");
    let mut pane = bench(80, 24);
    pane.keys("select 1<Enter><Tab>");
    assert_eq!(pane.pane.editor.buffer().text(), "select 1\n  ", "Tab indents");
}

#[test]
fn without_names_there_are_words_and_what_the_statement_says() {
    let mut pane = Bench::new(80, 24);
    pane.input(Input::Names(Names::Failed("too many connections".to_owned())));
    pane.keys("with recent as (select id as order_id from t) select * from rec<Tab>");
    assert!(pane.pane.editor.buffer().text().ends_with("from recent"));
    pane.keys(" where ord<Tab>");
    assert!(pane.pane.editor.buffer().text().ends_with("where order_id"));
    let mut wide = Bench::new(160, 40);
    wide.input(Input::Names(Names::Failed("too many connections".to_owned())));
    assert!(wide.screen().contains("names not loaded"));
}

#[test]
fn what_changes_names_has_them_loaded_again_once_it_is_committed() {
    let mut pane = bench(80, 24);
    let complete = |pane: &mut Bench, sql: &str, tag: &str, transaction: Transaction| {
        pane.keys(&format!("<M-a><Delete>{sql};<F6>"));
        let run = pane.pane.runs;
        pane.orders.clear();
        pane.news(News::Began { run, index: 0, at: pane.now });
        let timing = Bench::took(30);
        pane.news(News::Complete { run, index: 0, result: None, tag: tag.to_owned(), rows: 0, timing });
        let facts = Box::new(facts(false, pane.now));
        pane.news(News::State { transaction, facts, away: false });
        pane.news(News::Ended { run });
        std::mem::take(&mut pane.orders).contains(&Order::Names)
    };
    assert!(!complete(&mut pane, "select 1", "SELECT 1", Transaction::Idle));
    assert!(complete(&mut pane, "create table x ()", "CREATE TABLE", Transaction::Idle));
    assert!(!complete(&mut pane, "begin", "BEGIN", Transaction::Open));
    assert!(!complete(&mut pane, "create table y ()", "CREATE TABLE", Transaction::Open), "nobody else sees it yet");
    assert!(complete(&mut pane, "commit", "COMMIT", Transaction::Idle));
    // The search path that was set is the one that counts.
    complete(&mut pane, "set search_path to audit", "SET", Transaction::Idle);
    pane.keys("<M-a><Delete>select * from eve<Tab>");
    assert_eq!(pane.pane.editor.buffer().text(), "select * from events");
}

#[test]
fn a_large_text_is_looked_at_near_the_cursor_only() {
    let mut pane = bench(80, 24);
    pane.input(Input::Paste("insert into x values (1);\n".repeat(200_000)));
    pane.keys("select * from ord<Tab>");
    assert!(pane.pane.editor.buffer().text().ends_with("select * from orders"));
}

fn snapshot(name: &str, bench: &Bench) {
    insta::assert_snapshot!(name, bench.screen());
}

#[test]
fn the_list_is_beside_the_cursor() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut pane = bench(width, height);
        pane.keys("select o.id, o.status\n  from orders o\n where o.");
        snapshot(&format!("completion_columns_{width}x{height}"), &pane);
        let mut pane = bench(width, height);
        pane.keys("select * from o");
        pane.keys("<Down><Down>");
        snapshot(&format!("completion_chosen_{width}x{height}"), &pane);
        let mut pane = bench(width, height);
        pane.keys("select * from orders o join ");
        snapshot(&format!("completion_join_{width}x{height}"), &pane);
    }
    // Low in a small window there is more room above.
    let mut pane = bench(80, 12);
    pane.keys("select 1;\n\n\nselect * from mix");
    let screen = pane.screen();
    let lines: Vec<&str> = screen.lines().collect();
    let line = lines.iter().position(|line| line.contains("from mix")).expect("the line written in is in sight");
    assert!(
        lines.iter().skip(line).any(|line| line.contains("Mixed \"Case␛[31m"))
            || lines[..line].iter().any(|line| line.contains("Mixed \"Case␛[31m")),
        "{screen}"
    );
}

/// The line that tells what the cursor fills in, with the marked part in brackets.
fn hinted(bench: &Bench, row: u16) -> String {
    let (width, height) = bench.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
    terminal.draw(|frame| view(&bench.pane, frame, frame.area(), Theme { color: true })).expect("drawn");
    let buffer = terminal.backend().buffer();
    let (mut line, mut marked) = (String::new(), false);
    for x in 0..width {
        let cell = &buffer[(x, row)];
        let underlined = cell.modifier.contains(ratatui::style::Modifier::UNDERLINED);
        if underlined != marked {
            line.push(if underlined { '[' } else { ']' });
        }
        marked = underlined;
        line.push_str(cell.symbol());
    }
    line.trim_matches(['─', ' ']).to_owned()
}

#[test]
fn what_the_cursor_fills_in_is_told_above_the_editor() {
    let mut bench = bench(80, 24);
    let mut is = |script: &str, wanted: &str| {
        bench.keys(script);
        assert_eq!(hinted(&bench, 1), wanted, "after {script}");
    };
    is("select order_to", "");
    is("<Tab>", "order_total([order_id bigint], with_tax boolean DEFAULT true) → numeric");
    is("1, ", "order_total(order_id bigint, [with_tax boolean DEFAULT true]) → numeric");
    is("coun<Tab>", "count([\"any\"]) → bigint");
    is("<Right>", "order_total(order_id bigint, [with_tax boolean DEFAULT true]) → numeric");
    is("<Right>", "");
    is("<Left><Left>", "count([\"any\"]) → bigint");
    is("<M-a><Delete>select nothing(", "");
    is("<M-a><Delete>insert into orders (status, id) values ('new', ", "orders(status order_status, [id bigint])");
    is("<M-a><Delete>insert into customers values (1, 'a', ", "customers(id bigint, name text, [email text])");
    is("1, ", "");
    is("<M-a><Delete>insert into elsewhere (a, b) values (1, ", "elsewhere(a, [b])");
}

#[test]
fn the_hint_gives_way_to_what_lies_over_it_and_to_a_run() {
    // Production has the banner there: then the rule below the editor has it.
    let mut production = Bench::made(80, 24, true, true);
    production.input(Input::Names(Names::Ready(Arc::new(shop()))));
    production.keys("select order_total(1, ");
    assert_eq!(hinted(&production, 1), "PRODUCTION · orders-prod · read-only");
    assert_eq!(hinted(&production, 5), "order_total(order_id bigint, [with_tax boolean DEFAULT true]) → numeric");
    // The list of names lies over the rule: the hint is not seen in pieces, but below the list.
    production.keys("or");
    assert!(production.pane.completion.popup.is_some());
    let screen = production.screen();
    let end = screen.lines().position(|line| line.contains('╰')).expect("a list");
    assert_eq!(
        hinted(&production, end as u16 + 1),
        "order_total(order_id bigint, [with_tax boolean DEFAULT true]) → numeric"
    );
    assert_eq!(screen.matches("with_tax boolean DEFAULT true)").count(), 1, "{screen}");
    production.keys("<Esc>");
    assert!(hinted(&production, 5).contains("[with_tax"));
    // Nothing but the editor tells of it.
    production.keys("<Esc>");
    let mut low = bench(60, 8);
    low.keys("select order_total(1, ");
    assert!(low.screen().lines().any(|line| line.contains("order_total(…, with_tax boolean")), "{}", low.screen());
    let mut narrow = bench(22, 8);
    narrow.keys("select order_total(1, ");
    assert!(!narrow.screen().contains("with_tax"), "{}", narrow.screen());
    let mut bench = bench(80, 24);
    bench.keys("select order_total(");
    bench.keys("<C-g>");
    assert!(hinted(&bench, 1).contains("[order_id bigint]"));
    // With the focus elsewhere nobody types.
    bench.keys("<F9>");
    assert_eq!(hinted(&bench, 1), "");
}

#[test]
fn a_hint_at_80x24_and_120x40() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut bench = bench(width, height);
        bench.keys("select order_total(id, w");
        insta::assert_snapshot!(format!("hint_{width}x{height}"), bench.screen());
    }
}

#[test]
fn the_history_keeps_no_data_and_nothing_for_columns_of_secrets() {
    let noted = |script: &str| {
        let mut bench = Bench::made(80, 24, false, false);
        let mut builder = Builder::default();
        builder.on_path("public");
        builder.relation("public", "users", RelationKind::Table, [("name", "text"), ("password", "text")]);
        builder.function("public", "make_user", "name text, pass text", "void", false);
        bench.input(Input::Names(Names::Ready(Arc::new(builder.finish()))));
        bench.input(Input::Paste(script.to_owned()));
        bench.keys("<F6>");
        let mut notes = bench.orders.iter().filter_map(|order| match order {
            Order::Ask(Ask::Run { statements, .. }) => Some(statements.iter().map(|one| one.note.clone()).collect()),
            Order::Ask(Ask::Script { note, .. }) => Some(vec![note.clone()]),
            _ => None,
        });
        notes.next_back().unwrap_or_else(Vec::<Option<String>>::new)
    };
    assert_eq!(
        noted("copy users from stdin;\nbob\thunter2\n\\.\n"),
        [Some("copy users from stdin; -- 1 line of data left out\n\\.\n".to_owned())]
    );
    assert_eq!(noted("insert into users values ('bob', 'hunter2');"), [None]);
    assert_eq!(noted("select make_user('bob', 'hunter2');"), [None]);
    assert_eq!(noted("insert into users (name) values ('bob');").len(), 1);
    assert!(noted("insert into users (name) values ('bob');")[0].is_some());
}
