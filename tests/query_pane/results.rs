//! Rows of a real PostgreSQL once they are here: sorted, filtered, searched, copied and exported, also from the file.

use super::*;
use std::path::Path;

/// 250,000 rows, most of them in the file; every seventh amount is NULL.
const MANY: &str = "select g as id, md5(g::text) as sum, case when g % 7 <> 0 then ((g * 7919::bigint) % 100003 - 50000)::numeric / 100 end as amount from generate_series(1, 250000) g";

impl Tab {
    fn type_in(&mut self, keys: &str) {
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\u{15}' => {
                    self.key(KeyCode::Char('u'), KeyModifiers::CONTROL);
                    continue;
                }
                c => KeyCode::Char(c),
            };
            self.key(code, KeyModifiers::NONE);
        }
    }

    async fn with_many() -> Tab {
        let mut tab = Tab::open(true, |settings| settings.memory_limit = 1 << 20).await;
        tab.run(MANY);
        tab.done().await;
        tab.shows("250,000 rows").await;
        tab.key(KeyCode::Esc, KeyModifiers::NONE);
        tab
    }

    /// What went to the clipboard last.
    fn clipboard(&self) -> Option<&str> {
        self.others
            .iter()
            .rev()
            .find_map(|order| if let Order::Copy(text) = order { Some(text.as_str()) } else { None })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_are_sorted_filtered_and_searched_as_the_server_would() {
    let mut tab = Tab::with_many().await;
    // By amount, down: what the server says is first of them.
    tab.type_in("$sgs");
    tab.shows("by amount ▼").await;
    tab.until("the greatest", |tab| tab.screen().contains(" 500.02")).await;
    tab.type_in("G");
    tab.shows("∅").await;
    assert!(tab.screen().contains("row 250,000"), "NULLs are last downwards too:\n{}", tab.screen());
    tab.type_in("famount < -499.9 & sum ~ a\n");
    tab.shows("of 250,000 rows").await;
    let words = tab.screen();
    let shown: u64 = words
        .split(" of 250,000 rows")
        .next()
        .and_then(|before| before.rsplit(' ').next())
        .and_then(|n| n.parse().ok())
        .expect("a number");
    tab.type_in("u");
    tab.until("all rows", |tab| !tab.screen().contains("of 250,000")).await;
    // md5('200000') is in that row only.
    tab.type_in("g/03e6c61603f6c550ab49\n");
    tab.shows("row 200,000").await;
    tab.type_in("n");
    tab.shows("around the end").await;
    tab.type_in("/nowhere at all\n");
    tab.shows("is in none of the 250,000 rows").await;
    tab.type_in("i");
    let counted = tab.value(&format!("select count(*) from ({MANY}) x where amount < -499.9 and sum ~ 'a'")).await;
    assert_eq!(counted, shown.to_string());
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_what_the_command_line_prints_and_a_stopped_one_goes_on() {
    let mut tab = Tab::with_many().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.csv");
    tab.type_in("e\u{15}");
    tab.type_in(&format!("{}\n", path.display()));
    tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    // It may have been faster than the key: both ends are right, and both are told.
    tab.until("how it ended", |tab| {
        tab.screen().contains("not whole: rows.csv.part") || tab.screen().contains("wrote 250,000 rows")
    })
    .await;
    if !path.exists() {
        assert!(Path::new(&format!("{}.part", path.display())).exists());
        tab.type_in("e");
        assert!(tab.screen().contains("goes on after the"), "{}", tab.screen());
        tab.type_in("\n");
        tab.shows("wrote 250,000 rows").await;
    }
    assert!(!Path::new(&format!("{}.part", path.display())).exists());
    let text = std::fs::read_to_string(&path).expect("the file");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,sum,amount"));
    assert_eq!(lines.next(), Some("1,c4ca4238a0b923820dcc509a6f75849b,-420.8100000000000000"));
    assert_eq!(lines.next_back().map(|line| line.starts_with("250000,")), Some(true));
    assert_eq!(lines.count(), 249_998);
    // A second time it asks, and a no leaves the file alone.
    tab.type_in("e\u{15}");
    tab.type_in(&format!("{}\n", path.display()));
    tab.shows("is there already. Write over it?").await;
    tab.type_in("n");
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), text);
    tab.type_in("i");
    // Every byte of it is what the server makes of the same rows.
    let ours = text.split_once('\n').expect("a header").1.len().to_string();
    let all = format!(
        "select sum(octet_length(concat_ws(',', id, sum, coalesce(amount::text, '')) || E'\\n')) from ({MANY}) x"
    );
    assert_eq!(tab.value(&all).await, ours);
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_marked_is_copied_in_any_format_and_too_much_is_refused() {
    let mut tab = Tab::with_many().await;
    tab.type_in("200001GVjjyj");
    tab.until("the clipboard", |tab| tab.clipboard().is_some()).await;
    let text = tab.clipboard().expect("copied").to_owned();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_u64().expect("a number")).collect();
    assert_eq!(ids, [200_001, 200_002, 200_003]);
    assert!(tab.screen().contains("copied 3 rows"), "{}", tab.screen());
    tab.type_in("Vy");
    for _ in 0..3 {
        tab.key(KeyCode::Right, KeyModifiers::NONE);
    }
    tab.type_in("c");
    tab.shows("too much for a clipboard; e writes a file").await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_and_values_keep_the_grid_straight() {
    let mut tab = Tab::open(true, |_| {}).await;
    let nulls: Vec<String> = (0..100).map(|n| format!("null as n{n}")).collect();
    tab.run(&format!(
        "select E'a\\tb\\nc\\x1b[31m' as \"x\"\"y\n\x1b]0;owned\x07\", '👩‍👩‍👧‍👦🇩🇪é' as emoji, 'שלום עולם' as rtl, '世界' as wide, {}",
        nulls.join(", ")
    ));
    tab.done().await;
    tab.key(KeyCode::Esc, KeyModifiers::NONE);
    tab.shows("␛[31m").await;
    let screen = tab.screen();
    assert!(!screen.chars().any(|c| c.is_control() && c != '\n'), "{screen:?}");
    tab.type_in("$");
    tab.shows("column 104 of 104").await;
    assert!(tab.screen().contains('∅'));
    tab.end().await;
}
