//! History and saved queries by keys: what is searched, taken, run, forgotten, saved, renamed, deleted.

use super::*;
use crate::access::saved::Saved;

fn past(text: &str, at: u64, outcome: Outcome, rows: u64) -> Past {
    Past { text: text.to_owned(), at: 1_800_000_000 - at, outcome, took: 1234, rows }
}

fn with_history(width: u16, height: u16) -> Bench {
    let mut bench = Bench::new(width, height);
    bench.news(News::History(vec![
        past("select * from orders where id = 7;", 90_000, Outcome::Done, 1),
        past("update orders set status = 'paid';", 4000, Outcome::Failed, 0),
        past("select pg_sleep(600);", 200, Outcome::Cancelled, 0),
        past("select count(*)\n  from customers;", 70, Outcome::Done, 12_345),
    ]));
    bench
}

fn saved(name: &str, about: &str, text: &str, here: bool) -> Saved {
    Saved { name: name.to_owned(), about: about.to_owned(), text: text.to_owned(), here }
}

fn some() -> Vec<Saved> {
    vec![
        saved(
            "bloat",
            "dead rows by table",
            "select relname, n_dead_tup\nfrom pg_stat_user_tables\norder by 2 desc;",
            true,
        ),
        saved("who waits", "", "select pid, wait_event from pg_stat_activity;", false),
        saved("od\u{1b}d", "", "select 1;", false),
    ]
}

impl Bench {
    fn shelving(&mut self) -> Vec<Shelving> {
        let orders = std::mem::take(&mut self.orders);
        orders
            .into_iter()
            .filter_map(|order| if let Order::Shelf(shelving) = order { Some(shelving) } else { None })
            .collect()
    }
}

#[test]
fn the_history_is_taken_by_enter_run_by_f5_and_forgotten_after_a_question() {
    let mut bench = with_history(80, 24);
    bench.keys("draft<C-r>orders<Enter>");
    assert_eq!(bench.ran(), [""; 0], "Enter runs nothing");
    assert!(bench.pane.editor.buffer().text().contains("orders"));
    bench.keys("<C-z>");
    assert_eq!(bench.pane.editor.buffer().text(), "draft");
    bench.keys("<C-r>customers<F5>");
    assert_eq!(bench.ran(), ["select count(*)\n  from customers"]);
    let mut bench = with_history(80, 24);
    bench.keys("<C-r>sleep<Delete>");
    assert_eq!(bench.shelving(), [], "it asks first");
    bench.keys("y");
    let text = "select pg_sleep(600);".to_owned();
    assert_eq!(bench.shelving(), [Shelving::Forget(text.clone())]);
    bench.input(Input::Shelved(Ok(Shelved::Forgotten(text))));
    assert!(bench.screen().contains("0 found"), "{}", bench.screen());
    // All targets, each with its name; back again by the same key.
    bench.keys("<C-u><M-a>");
    assert_eq!(bench.shelving(), [Shelving::Everywhere]);
    let all: Vec<(String, Past)> =
        vec![("billing.eu-west-1.1".to_owned(), past("select 'billing';", 5, Outcome::Done, 1))];
    bench.input(Input::Shelved(Ok(Shelved::Everywhere(all.into()))));
    assert!(
        bench.screen().contains("billing · now") && bench.screen().contains("on all targets"),
        "{}",
        bench.screen()
    );
    bench.keys("<M-a>");
    assert!(bench.screen().contains("3 found"), "{}", bench.screen());
}

#[test]
fn a_dangerous_statement_of_the_history_is_asked_about_when_it_is_run() {
    let mut bench = Bench::made(80, 24, false, false);
    bench.news(News::History(vec![past("delete from orders;", 5, Outcome::Done, 1)]));
    bench.keys("<C-r><F5>");
    assert_eq!(bench.ran(), [""; 0]);
    assert!(bench.pane.question.is_some());
}

#[test]
fn queries_are_saved_under_names_and_never_with_a_password() {
    let mut bench = Bench::new(80, 24);
    bench.keys("<C-s>");
    assert_eq!(bench.said(), "there is nothing to save");
    bench.keys("alter role bob password 'x';<C-s>");
    assert!(bench.said().contains("password"), "{}", bench.said());
    assert_eq!(bench.shelving(), []);
    bench.keys("<M-a><Delete>select 1;<C-s>");
    assert_eq!(bench.shelving(), [Shelving::List]);
    bench.input(Input::Shelved(Ok(Shelved::List(some()))));
    bench.keys("<Enter>");
    assert_eq!(bench.said(), "it needs a name");
    bench.keys("one<Tab>the first<M-a><Enter>");
    let one = saved("one", "the first", "select 1;", false);
    assert_eq!(bench.shelving(), [Shelving::Save(one.clone(), None)]);
    bench.input(Input::Shelved(Ok(Shelved::Saved(one, some()))));
    assert_eq!(bench.said(), "saved as one");
    // A name that is taken is asked about.
    bench.keys("<C-s>bloat");
    bench.input(Input::Shelved(Ok(Shelved::List(some()))));
    bench.orders.clear();
    bench.keys("<Enter>");
    assert_eq!(bench.shelving(), []);
    bench.keys("y");
    assert_eq!(bench.shelving(), [Shelving::Save(saved("bloat", "", "select 1;", true), None)]);
}

#[test]
fn saved_queries_are_searched_taken_renamed_and_deleted() {
    let mut bench = Bench::new(80, 24);
    bench.keys("draft <M-o>");
    assert_eq!(bench.shelving(), [Shelving::List]);
    bench.input(Input::Shelved(Ok(Shelved::List(some()))));
    bench.keys("waits<Enter>");
    assert_eq!(bench.pane.editor.buffer().text(), "draft select pid, wait_event from pg_stat_activity;");
    bench.keys("<C-z>");
    assert_eq!(bench.pane.editor.buffer().text(), "draft ");
    bench.keys("<M-o>");
    bench.input(Input::Shelved(Ok(Shelved::List(some()))));
    bench.orders.clear();
    bench.keys("bloat<Delete>");
    assert_eq!(bench.shelving(), []);
    bench.keys("y");
    assert_eq!(bench.shelving(), [Shelving::Delete(some().remove(0))]);
    bench.input(Input::Shelved(Ok(Shelved::List(some().split_off(1)))));
    bench.keys("<C-u>who<C-r><C-u>what waits<Enter>");
    let before = some().remove(1);
    let after = Saved { name: "what waits".to_owned(), ..before.clone() };
    assert_eq!(bench.shelving(), [Shelving::Save(after, Some(before))]);
    bench.keys("<Esc>");
    assert!(bench.pane.shelf.is_none());
}

#[test]
fn they_look_like_this() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut bench = with_history(width, height);
        bench.keys("<C-r>");
        insta::assert_snapshot!(format!("history-{width}x{height}"), bench.screen());
        bench.keys("<Esc><M-o>");
        bench.input(Input::Shelved(Ok(Shelved::List(some()))));
        insta::assert_snapshot!(format!("saved-{width}x{height}"), bench.screen());
        bench.keys("<Esc>select 1;<C-s>one");
        insta::assert_snapshot!(format!("saving-{width}x{height}"), bench.screen());
    }
}
