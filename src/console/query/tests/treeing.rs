//! The catalogue tree by keys: what unfolds, what is asked for and when, what goes into the editor, what it looks like.

use super::*;
use crate::access::explore::{Finding, Measure, Named, Part, Parts, Question, Thing};
use crate::model::catalogue::{Builder, Catalogue, RelationKind};

fn shop() -> Catalogue {
    let mut builder = Builder::default();
    for schema in ["pg_catalog", "public", "audit"] {
        builder.schema(schema);
    }
    builder.relation("public", "orders", RelationKind::Table, [("id", "bigint"), ("status", "order_status")]);
    builder.relation("public", "customers", RelationKind::Table, [("id", "bigint"), ("name", "text")]);
    builder.relation("public", "order_totals", RelationKind::View, [("order_id", "bigint")]);
    builder.relation("public", "Mixed \"Case\u{1b}[31m", RelationKind::Table, [("Select", "text")]);
    builder.relation("public", "visits", RelationKind::Partitioned, [("at", "date")]);
    builder.relation("public", "visits_2026", RelationKind::Table, [("at", "date")]);
    builder.relation("public", "orders_id_seq", RelationKind::Sequence, []);
    builder.relation("public", "orders_pkey", RelationKind::Index, []);
    builder.relation("audit", "events", RelationKind::Table, [("id", "bigint")]);
    builder.relation("pg_catalog", "pg_class", RelationKind::Table, [("oid", "oid")]);
    builder.function("public", "order_total", "order_id bigint", "numeric", false);
    builder.of_type("public", "order_status", "order_status", ["new", "paid", "it's odd"]);
    builder.extension("plpgsql");
    ["pg_catalog", "public"].iter().for_each(|schema| builder.on_path(schema));
    builder.finish()
}

fn public(name: &str) -> Named {
    Named { schema: "public".to_owned(), name: name.to_owned() }
}

fn measures() -> Vec<Measure> {
    let measure = |name: &str, rows, bytes, parent: Option<&str>| Measure {
        of: public(name),
        rows,
        bytes,
        parent: parent.map(public),
    };
    vec![
        measure("orders", Some(1_204_331), Some(356_515_840), None),
        measure("customers", Some(512), Some(81_920), None),
        measure("visits", None, None, None),
        measure("visits_2026", Some(20_000), Some(1 << 20), Some("visits")),
        measure("Mixed \"Case\u{1b}[31m", None, None, None),
    ]
}

fn parts() -> Parts {
    let part = |name: &str, about: &str| Part { name: name.to_owned(), about: about.to_owned() };
    Parts {
        columns: vec![
            part("id", "bigint not null"),
            part("status", "order_status not null default 'new'::order_status"),
        ],
        indexes: vec![part("orders_pkey", "primary key, btree (id)")],
        constraints: vec![part("orders_pkey", "PRIMARY KEY (id)")],
        triggers: Vec::new(),
    }
}

impl Bench {
    fn with_tree(width: u16, height: u16) -> Bench {
        let mut bench = Bench::new(width, height);
        bench.input(Input::Names(Names::Ready(Arc::new(shop()))));
        bench.keys("<F9>");
        bench
    }

    /// What was asked of the catalogue since the last time.
    fn explored(&mut self) -> Vec<Question> {
        let orders = std::mem::take(&mut self.orders);
        orders
            .into_iter()
            .filter_map(|order| if let Order::Explore(question) = order { Some(question) } else { None })
            .collect()
    }

    fn found(&mut self, question: Question, finding: Finding) {
        self.input(Input::Explored(question, Ok(finding)));
    }
}

#[test]
fn branches_are_loaded_when_they_are_unfolded_and_once() {
    let mut bench = Bench::with_tree(80, 24);
    assert_eq!(bench.explored(), [Question::Measures]);
    bench.found(Question::Measures, Finding::Measures(measures()));
    // Own schemas first, the one on the path unfolded; a partition is below its table.
    let screen = bench.screen();
    assert!(screen.contains("▾ public") && screen.contains("▸ audit"), "{screen}");
    assert!(!screen.contains("visits_2026") && screen.contains("~1.2 M"), "{screen}");
    bench.keys("/orders<Enter>");
    assert!(bench.screen().contains("▌"), "{}", bench.screen());
    bench.keys("<Enter>");
    assert_eq!(bench.explored(), [Question::Parts(public("orders"))]);
    // Columns are known already; what is not says so.
    assert!(bench.screen().contains("status  order_status"), "{}", bench.screen());
    bench.keys("<Enter><Enter>");
    assert_eq!(bench.explored(), []);
    bench.found(Question::Parts(public("orders")), Finding::Parts(parts()));
    let screen = bench.screen();
    assert!(screen.contains("id  bigint not null") && screen.contains("indexes  1"), "{screen}");
    assert!(!screen.contains("triggers"), "there are none: {screen}");
    // Esc drops the filter and stays where it is.
    bench.keys("<Esc>");
    assert!(bench.screen().contains("customers"), "{}", bench.screen());
    bench.keys("<Enter>/visits<Enter><Enter>");
    bench.keys("<Down><Down><Down><Down><Down>");
    assert!(bench.screen().contains("partitions  1"), "{}", bench.screen());
}

#[test]
fn names_go_into_the_editor_quoted_and_rows_run_in_the_tab() {
    let mut bench = Bench::with_tree(120, 40);
    bench.keys("/mixed<Enter>i");
    assert_eq!(bench.pane.editor.buffer().text(), "\"Mixed \"\"Case\u{1b}[31m\"");
    bench.keys("<Esc>/audit.ev<Enter>y");
    assert!(bench.orders.contains(&Order::Copy("audit.events".to_owned())), "{:?}", bench.orders);
    bench.orders.clear();
    bench.keys("p");
    assert_eq!(bench.ran(), ["select * from audit.events limit 100"]);
    // While it runs another is not sent, and the tree is there for looking on.
    bench.keys("p");
    assert_eq!(bench.ran(), [""; 0]);
    assert_eq!(bench.said(), "a statement is running; Ctrl-C cancels it");
    bench.keys("<Esc><Esc>x");
    assert!(bench.pane.editor.buffer().text().ends_with('x'));
    assert!(bench.screen().contains("catalogue of shop"), "{}", bench.screen());
}

#[test]
fn the_ddl_opens_when_it_is_here_unless_another_is_awaited() {
    let mut bench = Bench::with_tree(80, 24);
    bench.explored();
    bench.keys("/orders<Enter>d");
    let first = Question::Description(public("orders"));
    assert_eq!(bench.explored(), std::slice::from_ref(&first));
    bench.keys("D");
    let second = Question::Definition(Thing::Relation(public("orders")));
    assert_eq!(bench.explored(), std::slice::from_ref(&second));
    bench.found(first, Finding::Text("late".to_owned()));
    assert!(!bench.screen().contains("late"));
    let ddl = "CREATE TABLE public.orders (\n    id bigint NOT NULL,\n    status public.order_status DEFAULT 'new'::public.order_status\n);\n";
    bench.found(second, Finding::Text(ddl.to_owned()));
    assert!(bench.screen().contains("DDL of public.orders"), "{}", bench.screen());
    insta::assert_snapshot!("tree-ddl-80x24", bench.screen());
    bench.resize(120, 40);
    insta::assert_snapshot!("tree-ddl-120x40", bench.screen());
    bench.resize(80, 24);
    bench.keys("y");
    assert!(bench.orders.contains(&Order::Copy(ddl.to_owned())), "{:?}", bench.orders);
    bench.keys("<Esc>");
    assert!(bench.screen().contains("catalogue of shop"), "{}", bench.screen());
    let third = Question::Definition(Thing::Relation(public("orders")));
    bench.keys("D");
    bench.input(Input::Explored(third, Err(Diagnosis::new(Kind::Sql, "permission\u{1b} denied"))));
    assert!(bench.screen().contains("permission␛ denied"), "{}", bench.screen());
}

#[test]
fn what_is_unfolded_stays_when_names_are_loaded_again() {
    let mut bench = Bench::with_tree(80, 24);
    bench.keys("/orders<Enter><Enter><Esc>");
    assert!(bench.screen().contains("columns  2"), "{}", bench.screen());
    bench.input(Input::Names(Names::Ready(Arc::new(shop()))));
    let screen = bench.screen();
    assert!(screen.contains("columns  2") && screen.contains("▌  ▾ orders"), "{screen}");
}

#[test]
fn fifty_thousand_relations_are_filtered_by_letters() {
    let mut builder = Builder::default();
    builder.schema("many");
    for number in 0..50_000 {
        builder.relation("many", &format!("t{number:05}_log"), RelationKind::Table, [("id", "bigint")]);
    }
    let mut bench = Bench::new(80, 24);
    bench.input(Input::Names(Names::Ready(Arc::new(builder.finish()))));
    bench.keys("<F9><Enter>");
    assert_eq!(bench.pane.tree.rows().len(), 50_001);
    bench.keys("G");
    assert!(bench.screen().contains("t49999_log"), "{}", bench.screen());
    bench.keys("/49998");
    assert!(bench.screen().contains("/ 49998▏  1 fit"), "{}", bench.screen());
    bench.keys("x");
    assert!(bench.screen().contains("no name fits"), "{}", bench.screen());
    bench.keys("<Esc>");
    assert_eq!(bench.pane.tree.rows().len(), 50_001);
}

#[test]
fn the_tree_looks_like_this() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut bench = Bench::with_tree(width, height);
        bench.found(Question::Measures, Finding::Measures(measures()));
        bench.keys("/orders<Enter><Enter><Esc>");
        bench.found(Question::Parts(public("orders")), Finding::Parts(parts()));
        insta::assert_snapshot!(format!("tree-{width}x{height}"), bench.screen());
        bench.keys("/ord");
        insta::assert_snapshot!(format!("tree-filter-{width}x{height}"), bench.screen());
    }
}
