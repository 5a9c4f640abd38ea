//! What a key costs with the names of a large database: 50,000 tables of ten columns, one of 1,600, and 5,000 functions; the
//! whole way of a key through the query pane, and the memory the names take. It must not judge: it prints a table. `cargo bench --bench completion`.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gatepost::console::query::{Input, Names, Pane, Setup, update};
use gatepost::model::catalogue::{Builder, Catalogue, RelationKind};
use gatepost::model::{SessionFacts, TlsFacts};
use ratatui::layout::Rect;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

const RELATIONS: usize = 50_000;
const WORDS: [&str; 12] =
    ["order", "customer", "item", "price", "audit", "event", "stock", "ledger", "invoice", "address", "region", "log"];

fn catalogue() -> Catalogue {
    let mut builder = Builder::default();
    for schema in 0..50 {
        builder.schema(&format!("tenant_{schema}"));
        builder.on_path(&format!("tenant_{schema}"));
    }
    for at in 0..RELATIONS {
        let name = format!("{}_{}_{at}", WORDS[at % 12], WORDS[at / 12 % 12]);
        let columns: Vec<String> = (0..10).map(|column| format!("{}_{}", WORDS[(at + column) % 12], column)).collect();
        let columns = columns.iter().map(|column| (column.as_str(), "timestamp with time zone"));
        builder.relation(&format!("tenant_{}", at % 50), &name, RelationKind::Table, columns);
    }
    for at in 1..RELATIONS {
        builder.key(at, at / 10, [("order_0", "order_0")]);
    }
    let wide: Vec<String> = (0..1600).map(|at| format!("{}_{at}", WORDS[at % 12])).collect();
    builder.relation("tenant_0", "wide", RelationKind::Table, wide.iter().map(|name| (name.as_str(), "text")));
    for at in 0..5_000 {
        let (name, schema) = (format!("{}_{}", WORDS[at % 12], at / 25), format!("tenant_{}", at % 50));
        builder.function(&schema, &name, "first text, second timestamp with time zone DEFAULT now()", "text", false);
    }
    builder.finish()
}

fn pane(names: &Arc<Catalogue>) -> Pane {
    let facts = SessionFacts {
        server_version: "16.6".to_owned(),
        pid: 1,
        tls: TlsFacts::default(),
        token_minted: None,
        token_ends: None,
        route: "direct".to_owned(),
        ssm_session: None,
        read_only: true,
        hot_standby: false,
    };
    let mut pane = Pane::new(Setup {
        name: "bench".to_owned(),
        host: "bench".to_owned(),
        port: 5432,
        user: "bench".to_owned(),
        database: "bench".to_owned(),
        production: false,
        facts,
        way: Vec::new(),
        now: SystemTime::UNIX_EPOCH,
    });
    update(&mut pane, Input::Area(Rect::new(0, 0, 120, 40)));
    update(&mut pane, Input::Names(Names::Ready(Arc::clone(names))));
    pane
}

fn main() {
    let begun = Instant::now();
    let names = Arc::new(catalogue());
    println!(
        "{} relations, {} columns each: {:.1} MB, made in {} ms",
        RELATIONS,
        10,
        names.memory() as f64 / 1e6,
        begun.elapsed().as_millis()
    );
    println!(
        "{:>8} {:>8} {:>8}  typed, key by key; the dearest key is the last before the bar",
        "p50 µs", "max µs", "keys"
    );
    for text in [
        "select * from order_customer_1",
        "select * from oc12",
        "select o. from order_order_0 o",
        "select o.customer_1 from order_order_0 o join cust",
        "select * from order_order_0 a join customer_order_1 b on a.order_0 = b.order_0 where price",
        "insert into order_order_0 (order_",
        "\\d tenant_7.stock",
        "select * from wide w join wide x on w.order_0 = x.order_0 where w.price_7",
        "select * from wide w where order",
        "select order_7('a', item_3(price_1('b', now()), ",
        "insert into wide values (1, 2, 3, 'four', ",
    ] {
        let mut pane = pane(&names);
        let mut took: Vec<(Duration, usize)> = Vec::new();
        for (at, c) in text.char_indices() {
            let begun = Instant::now();
            update(&mut pane, Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
            took.push((begun.elapsed(), at + 1));
        }
        took.sort();
        let ((middle, _), (most, at)) = (took[took.len() / 2], took[took.len() - 1]);
        let (before, after) = text.split_at(at);
        println!("{:>8} {:>8} {:>8}  {before}▏{after}", middle.as_micros(), most.as_micros(), took.len());
    }
}
