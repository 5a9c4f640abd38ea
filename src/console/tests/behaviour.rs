//! What keys and answers do.

use crate::access::Remembered;
use crate::console::event::{Answer, Command, Event, TabId};
use crate::console::panes::connect::Field;
use crate::console::query;
use crate::console::state::{Focus, Overlay};
use crate::console::testing::*;
use crate::model::*;
use std::time::Duration;

fn names(console: &Console) -> Vec<String> {
    let pane = &console.state.fleet;
    pane.rows.iter().map(|row| pane.database(row).identifier.clone()).collect()
}

fn selected(console: &Console) -> String {
    console.state.fleet.selected().expect("a row is selected").identifier.clone()
}

#[test]
fn clusters_stand_before_their_members_and_fold() {
    let mut console = Console::listed(80, 24);
    let all = [
        "billing",
        "inventory-dev",
        "ledger",
        "legacy-crm",
        "orders-prod",
        "orders-prod-1",
        "orders-prod-2",
        "orders-prod-3",
        "orders-proxy",
        "wiki",
    ];
    assert_eq!(names(&console), all);
    console.keys("G k k k h");
    assert_eq!(selected(&console), "orders-prod", "from a member out to its cluster");
    console.keys("h");
    assert_eq!(names(&console).len(), 7, "folded");
    console.keys("l l");
    assert_eq!(selected(&console), "orders-prod-1");
}

#[test]
fn the_filter_is_fuzzy_on_names_and_inverse_with_a_bang() {
    let mut console = Console::listed(80, 24);
    for (filter, fits) in [
        ("ordp", "orders-prod orders-prod-1 orders-prod-2 orders-prod-3 orders-proxy"),
        ("writer", "orders-prod orders-prod-1"),
        ("!aurora !mysql !proxy", "billing ledger legacy-crm"),
        ("mysql", "wiki"),
        ("creating", "inventory-dev"),
        ("prod !reader", "orders-prod orders-prod-1"),
        (
            "!",
            "billing inventory-dev ledger legacy-crm orders-prod orders-prod-1 orders-prod-2 orders-prod-3 orders-proxy wiki",
        ),
        ("zzz", ""),
    ] {
        console.keys("/ C-u");
        console.event(Event::Paste(filter.to_owned()));
        assert_eq!(names(&console).join(" "), fits, "{filter}");
        console.keys("Esc");
    }
    assert_eq!(names(&console).len(), 10, "Esc drops the filter");
}

#[test]
fn sorting_goes_round_and_both_ways() {
    let mut console = Console::listed(80, 24);
    console.keys("s s");
    assert_eq!(names(&console)[0], "inventory-dev", "what is not available comes first by status");
    console.keys("s s s S");
    assert_eq!(names(&console)[0], "wiki", "by name, from the end");
}

#[test]
fn the_selected_database_stays_selected_while_rows_arrive() {
    let mut console = Console::start(80, 24);
    console.answer(|c| matches!(c, Command::Places), Answer::Places(vec![place("eu-west-1"), place("us-east-1")]));
    console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Inventory(inventory()));
    console.keys("j j");
    assert_eq!(selected(&console), "ledger");
    let mut other = database(DatabaseKind::Instance, "aaa", "postgres", "16.1");
    other.place = place("us-east-1");
    let inventory = Inventory { place: place("us-east-1"), databases: vec![other], listed_at: now(), gaps: Vec::new() };
    console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Inventory(inventory));
    assert_eq!(names(&console)[0], "aaa");
    assert_eq!(selected(&console), "ledger");
}

#[test]
fn refreshing_keeps_the_old_list_also_when_it_fails() {
    let mut console = Console::listed(80, 24);
    console.keys("r");
    assert_eq!(names(&console).len(), 10);
    assert!(console.text().contains("asking AWS"), "{}", console.text());
    console.answer(
        |c| matches!(c, Command::Inventory(_)),
        Answer::Failed(Diagnosis::new(Kind::Throttled, "AWS asks to slow down")),
    );
    assert_eq!(names(&console).len(), 10);
    assert!(console.text().contains("✗ eu-west-1  AWS asks to slow down"), "{}", console.text());
}

#[test]
fn an_answer_nobody_waits_for_changes_nothing_and_leaves_nothing_open() {
    let mut console = Console::connecting(80, 24, "orders");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), Some("oncall".into())));
    console.keys("Enter Esc");
    assert!(console.asked.iter().any(|(_, c)| matches!(c, Command::Stop(_))), "the wait is left");
    let before = console.asked.len();
    let id = console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
    assert_eq!(console.state.focus, Focus::Connect);
    assert!(console.state.tabs.is_empty());
    assert!(console.asked.len() >= before, "{:?}", console.asked);
    assert!(console.asked.iter().any(|(_, c)| matches!(c, Command::Stop(stopped) if *stopped == id)));
}

#[test]
fn the_profiles_of_the_aws_files_are_offered_when_they_are_read() {
    let mut console = Console::listed(80, 24);
    console.keys("P");
    assert!(!console.text().contains("staging"), "{}", console.text());
    console.answer(|c| matches!(c, Command::Profiles), Answer::Profiles(vec!["prod".into(), "staging".into()]));
    assert!(console.text().contains("staging"), "{}", console.text());
    console.keys("s t a g Enter");
    let asked = |c: &Command| matches!(c, Command::Inventory(place) if place.profile.as_deref() == Some("staging"));
    assert!(console.asked.iter().any(|(_, command)| asked(command)), "{:?}", console.asked);
}

#[test]
fn enter_twice_connects_when_the_user_is_remembered() {
    let mut console = Console::connecting(80, 24, "billing");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), Some("oncall".into())));
    console.keys("Enter");
    let wish =
        console.asked.iter().find_map(|(_, c)| if let Command::Connect(_, wish) = c { Some(wish) } else { None });
    let wish = wish.expect("a connection is asked for");
    assert_eq!((wish.user.as_str(), &wish.database, &wish.auth, wish.read_only), ("oncall", &None, &Auth::Iam, true));
    console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
    assert_eq!(console.state.focus, Focus::Query);
    assert_eq!(console.state.tabs.len(), 1);
}

#[test]
fn the_way_to_log_in_is_chosen_and_remembered() {
    let wished = |console: &Console| {
        let mut wishes =
            console.asked.iter().filter_map(|(_, c)| if let Command::Connect(_, wish) = c { Some(wish) } else { None });
        wishes.next_back().expect("a connection is asked for").clone()
    };
    for (rights, auth) in [
        ("Right Right", Auth::Passfile),
        ("Right Right Right", Auth::Command),
        ("Left", Auth::SecretsManager(None)),
        ("Left Down s h o p", Auth::SecretsManager(Some("shop".to_owned()))),
    ] {
        let mut console = Console::connecting(80, 24, "billing");
        let recalled = Answer::Recalled(Remembered::default(), Some("oncall".into()));
        console.answer(|c| matches!(c, Command::Recall(_)), recalled);
        console.keys(&format!("Down Down Down Down {rights} Enter"));
        assert_eq!(wished(&console).auth, auth, "{rights}");
    }
    // What was used last stands there; a secret says whose it is, so that no user is asked for.
    let mut console = Console::connecting(80, 24, "billing");
    let remembered = Remembered { auth: Some("secret:shop/app".to_owned()), ..Remembered::default() };
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(remembered, None));
    assert!(console.text().contains("shop/app"), "{}", console.text());
    console.keys("Enter");
    let wish = wished(&console);
    assert_eq!((wish.user.as_str(), wish.auth), ("", Auth::SecretsManager(Some("shop/app".to_owned()))));
}

#[test]
fn without_a_user_enter_asks_for_one() {
    let mut console = Console::connecting(80, 24, "billing");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), None));
    let field = |console: &Console| console.state.connect.as_ref().expect("the form is open").field;
    assert_eq!(field(&console), Field::User);
    console.keys("Enter");
    let said = console.text().matches("type the name of a database user first").count();
    assert_eq!(said, 2, "in the field, and in the last row: {}", console.text());
    console.keys("on?call: Enter");
    let wish =
        console.asked.iter().find_map(|(_, c)| if let Command::Connect(_, wish) = c { Some(wish) } else { None });
    assert_eq!(wish.expect("asked").user, "on?call:", "? and : are characters where one types");
}

#[test]
fn production_becomes_writable_only_with_its_name_typed() {
    let mut console = Console::connecting(80, 24, "orders");
    console.state.settings.read_only = false;
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), Some("oncall".into())));
    let pane = console.state.connect.as_ref().expect("the form is open");
    assert!(pane.production && pane.read_only, "read-only to begin with, whatever the settings say");
    console.keys("Up Space Enter orders-pro Enter");
    let connects = |console: &Console| console.asked.iter().filter(|(_, c)| matches!(c, Command::Connect(..))).count();
    assert_eq!(connects(&console), 0);
    console.keys("d Enter");
    assert_eq!(connects(&console), 1);
}

#[test]
fn a_remembered_bastion_that_is_gone_gives_way() {
    for (id, route) in [
        ("i-0b2c3d4e5f6a70002", RouteChoice::Via("i-0b2c3d4e5f6a70002".into())),
        ("i-gone", RouteChoice::Auto),
        ("i-0b2c3d4e5f6a70003", RouteChoice::Auto),
    ] {
        let mut console = Console::connecting(80, 24, "orders");
        let remembered = Remembered { route: Some(id.into()), ..Remembered::default() };
        console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(remembered, Some("oncall".into())));
        console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
        assert_eq!(console.state.connect.as_ref().expect("open").route, route);
    }
}

#[test]
fn a_refused_password_is_asked_for_again() {
    let mut console = Console::connecting(80, 24, "legacy");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), Some("app".into())));
    console.keys("Enter hunter2 Enter");
    assert!(!format!("{:?}", console.state).contains("hunter2"), "a printed state gives no password away");
    console.answer(|c| matches!(c, Command::Connect(..)), Answer::Failed(Diagnosis::new(Kind::PasswordRefused, "no")));
    for key in ["Esc", "r"] {
        let mut console = Console { state: console.state.clone(), asked: Vec::new() };
        console.keys(key);
        let pane = console.state.connect.as_ref().expect("the form is open");
        assert_eq!((pane.field, pane.password.is_empty()), (Field::Password, true), "{key}");
        assert!(pane.attempt.is_none(), "{key}");
    }
}

#[test]
fn copy_menu_copies_by_letter_and_asks_for_the_user_of_a_token() {
    let mut console = Console::listed(80, 24);
    console.keys("y p");
    let copied = |console: &Console| {
        console
            .asked
            .iter()
            .rev()
            .find_map(|(_, c)| if let Command::Copy(text) = c { Some(text.reveal().to_owned()) } else { None })
    };
    assert_eq!(copied(&console).as_deref(), Some("billing.c9abcd1234ef.eu-west-1.rds.amazonaws.com:5432"));
    console.keys("y c oncall Enter");
    assert_eq!(
        copied(&console).as_deref(),
        Some("arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-K3ANV5WQ7YXJ2MRT4LHB6ZCE9D/oncall")
    );
    console.keys("y t oncall Enter");
    console.answer(|c| matches!(c, Command::Token(..)), Answer::Token(Secret::new("tok")));
    assert_eq!(copied(&console).as_deref(), Some("tok"));
    assert!(!format!("{:?}", console.state).contains("tok\""));
}

#[test]
fn regions_are_chosen_by_typing_one() {
    let mut console = Console::listed(80, 24);
    console.keys("R us-west-2 Space Enter");
    let asked: Vec<&Place> = console
        .asked
        .iter()
        .filter_map(|(_, c)| if let Command::Inventory(place) = c { Some(place) } else { None })
        .collect();
    assert_eq!(asked, [&place("us-west-2")], "what is listed already is not asked again");
    assert_eq!(console.state.fleet.listings.len(), 2);
    console.keys("R us-west-2 Enter");
    assert_eq!(console.state.fleet.listings.len(), 1);
    assert_eq!(names(&console).len(), 0);
}

#[test]
fn other_engines_and_missing_endpoints_are_explained() {
    for (name, words) in [("wiki", "The query pane speaks PostgreSQL"), ("inventory", "has no endpoint yet")] {
        let mut console = Console::listed(80, 24);
        console.keys(&format!("/ {name} Enter Enter"));
        assert!(matches!(console.state.overlay, Some(Overlay::Diagnosis(_))));
        assert!(console.text().contains(words), "{}", console.text());
        console.keys("Esc");
        assert!(console.state.overlay.is_none());
    }
}

#[test]
fn ctrl_c_twice_leaves_and_q_asks_when_a_port_is_open() {
    let mut console = Console::listed(80, 24);
    console.keys("C-c");
    assert!(!console.state.quitting);
    console.tick(Duration::from_secs(3));
    console.keys("C-c");
    assert!(!console.state.quitting, "twice means within two seconds");
    console.keys("C-c");
    assert!(console.state.quitting);

    let mut console = Console::listed(80, 24);
    console.keys("t q q");
    assert!(matches!(console.state.overlay, Some(Overlay::Leave(_))), "{}", console.text());
    console.keys("Esc");
    assert!(!console.state.quitting);
    console.keys("q y");
    assert!(console.state.quitting);
}

#[test]
fn nothing_moves_when_nothing_is_waited_for() {
    let mut console = Console::listed(80, 24);
    let next = console.state.next_tick().expect("the age of the list moves");
    assert!(next >= console.state.now + Duration::from_secs(1));
    console.keys("/ billing Enter Enter");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), None));
    console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
    assert_eq!(console.state.next_tick(), None);
}

#[test]
fn every_key_shown_is_bound_and_no_key_is_bound_twice() {
    use crate::console::keys::Binding;
    use crate::console::panes::{connect, diagnosis, fleet, lines, picker};
    fn check<A>(name: &str, table: &[Binding<A>], others: &[&[&str]]) {
        let mut seen: Vec<&str> = others.iter().flat_map(|keys| keys.iter().copied()).collect();
        for row in table {
            assert!(!row.help.is_empty() && !row.keys.is_empty(), "{name}");
            for key in row.keys {
                assert!(!seen.contains(key), "{name}: {key} is bound twice");
                seen.push(key);
            }
        }
    }
    let global: Vec<&[&str]> = crate::console::state::GLOBAL_KEYS.iter().map(|row| row.keys).collect();
    check("fleet", fleet::KEYS, &global);
    check("lines", lines::KEYS, &global);
    check("listen", crate::console::panes::listen::KEYS, &[]);
    check("consent", crate::console::panes::consent::KEYS, &[]);
    check("enable IAM", crate::console::panes::enable_iam::KEYS, &[]);
    check("connect", connect::KEYS, &global);
    check("walking", connect::WALKING_KEYS, &[]);
    check("failed", connect::FAILED_KEYS, &[]);
    check("diagnosis", diagnosis::KEYS, &[]);
    check("picker", picker::KEYS, &[]);
    check("overlay", crate::console::overlay::KEYS, &[]);
}

/// A console with so many sessions at one target, the last shown.
fn sessions(width: u16, height: u16, many: usize) -> Console {
    let mut console = Console::connecting(width, height, "billing");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), Some("oncall".into())));
    console.keys("Enter");
    for at in 0..many {
        if at > 0 {
            console.keys("C-t");
        }
        console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
    }
    console.tick(Duration::from_secs(2));
    console
}

#[test]
fn the_keys_of_a_question_stand_alone_in_their_row() {
    let mut console = sessions(80, 24, 1);
    console.state.overlay = Some(Overlay::Leave(vec!["A port is open".to_owned()]));
    let text = console.text();
    assert_eq!(text.lines().last(), Some(" y leave  Esc stay"), "{text}");
}

fn alt(console: &mut Console, digit: char) {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    console.event(Event::Key(KeyEvent::new(KeyCode::Char(digit), KeyModifiers::ALT)));
}

/// Runs a statement in the tab that is shown, and gives its id.
fn runs(console: &mut Console) -> TabId {
    console.keys("s e l e c t Space 1 ; Enter");
    let id = console.state.tabs[console.state.tab].id;
    let at = console.state.now;
    console.event(Event::Query(id, query::News::Began { run: 1, index: 0, at }));
    id
}

fn fails(console: &mut Console, id: TabId) {
    let diagnosis = Diagnosis::new(Kind::Sql, "no");
    let timing = query::Timing::default();
    console.event(Event::Query(id, query::News::Failed { run: 1, index: 0, result: None, diagnosis, timing }));
    console.event(Event::Query(id, query::News::Ended { run: 1 }));
}

#[test]
fn many_tabs_scroll_and_the_shown_one_stays_in_sight() {
    for width in [80, 120] {
        let mut console = sessions(width, if width == 80 { 24 } else { 40 }, 12);
        assert_eq!(console.state.tabs.len(), 12);
        let bar = |console: &Console| console.text().lines().next().expect("a first line").to_owned();
        assert!(bar(&console).contains("▌12 billing") && bar(&console).starts_with('‹'), "{}", bar(&console));
        alt(&mut console, '1');
        assert!(bar(&console).contains("▌1 billing") && bar(&console).contains('›'), "{}", bar(&console));
        alt(&mut console, '7');
        assert!(bar(&console).contains("▌7 billing"), "{}", bar(&console));
        insta::assert_snapshot!(format!("tabs-many-{width}"), console.screen());
        // A click means the tab that is under it.
        let x = bar(&console).chars().position(|c| c == '▌').expect("the shown one") as u16 + 2;
        let under = crate::console::view::tab_at(&console.state, x).expect("a tab");
        assert_eq!(under, console.state.tabs[6].id);
    }
    let mut console = sessions(80, 24, 2);
    alt(&mut console, '9');
    assert!(console.text().contains("there is no session 9"), "{}", console.text());
}

#[test]
fn what_ends_in_another_tab_is_told_when_it_took_long() {
    let mut console = sessions(80, 24, 2);
    let first = {
        alt(&mut console, '1');
        runs(&mut console)
    };
    alt(&mut console, '2');
    assert!(console.text().lines().next().is_some_and(|bar| bar.contains("1 billing ⠸")), "{}", console.text());
    console.tick(Duration::from_secs(12));
    fails(&mut console, first);
    let text = console.text();
    assert!(text.contains("session 1 billing: failed after 12"), "{text}");
    assert!(text.lines().next().is_some_and(|bar| bar.contains("1 billing ✗")), "{text}");
    // Without colour there are words for it; in sight nothing is told.
    console.state.settings.color = false;
    assert!(console.text().contains("1 billing ✗ failed"), "{}", console.text());
    console.state.notice = None;
    let second = runs(&mut console);
    console.tick(Duration::from_secs(12));
    fails(&mut console, second);
    assert_eq!(console.state.notice, None);
}

#[test]
fn leaving_asks_once_and_names_every_tab_that_would_lose_something() {
    let mut console = sessions(80, 24, 3);
    for (tab, transaction) in [(0, Transaction::Open), (2, Transaction::Failed)] {
        let id = console.state.tabs[tab].id;
        let facts = Box::new(facts());
        console.event(Event::Query(id, query::News::State { transaction, facts, away: false }));
    }
    console.keys("C-c C-c");
    let text = console.text();
    assert!(text.contains("1 billing: A transaction is open") && text.contains("3 billing: A failed"), "{text}");
    assert!(!text.contains("2 billing: "), "{text}");
    console.keys("n");
    assert!(!console.state.quitting);
    console.keys("C-c C-c y");
    assert!(console.state.quitting);
}

#[test]
fn an_engine_without_iam_authentication_has_no_policy_to_show() {
    let mut console = Console::start(80, 24);
    console.answer(|c| matches!(c, Command::Places), Answer::Places(vec![place("eu-west-1")]));
    let databases = vec![database(DatabaseKind::Instance, "erp", "oracle-ee", "19")];
    let listed = Inventory { databases, ..inventory() };
    console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Inventory(listed));
    console.keys("i");
    let Some(Overlay::Diagnosis(pane)) = &console.state.overlay else { panic!("{:?}", console.state.overlay) };
    assert!(pane.diagnosis.title.contains("oracle-ee does not know it"), "{:?}", pane.diagnosis);
    assert!(!console.asked.iter().any(|(_, command)| matches!(command, Command::Recall(_))), "nobody is to be named");
}

#[test]
fn who_was_filtered_for_is_stayed_with_when_the_filter_is_dropped() {
    let mut console = Console::listed(120, 40);
    console.keys("/ orders-prod Enter");
    let chosen = |console: &Console| console.state.fleet.selected().map(|database| database.identifier.clone());
    assert_eq!(chosen(&console).as_deref(), Some("orders-prod"));
    console.keys("Esc");
    assert!(console.state.fleet.filter.is_empty());
    assert_eq!(chosen(&console).as_deref(), Some("orders-prod"), "the next key is for the same database");
}

#[test]
fn a_filter_that_is_dropped_leads_back_to_where_it_began() {
    let mut console = Console::listed(80, 24);
    console.keys("j j / zzz Esc");
    assert_eq!(selected(&console), "ledger");
    console.keys("/ zzz Enter Enter");
    assert_eq!(console.state.focus, Focus::Fleet);
    let notice = console.state.notice.as_ref().map(|notice| notice.text.clone());
    assert_eq!(notice.as_deref(), Some("nothing fits the filter: Esc drops it"));
    console.tick(Duration::from_secs(60));
    let text = console.text();
    assert!(!text.contains("connect") && !text.contains("tunnel") && text.contains("drop the filter"), "{text}");
    console.keys("Esc");
    assert_eq!(selected(&console), "ledger", "also after it was kept");
    console.keys("/ wiki Enter Esc");
    assert_eq!(selected(&console), "wiki", "who was found is stayed with");
}

#[test]
fn the_filter_finds_what_the_iam_column_says_and_values_of_tags() {
    let mut console = Console::listed(80, 24);
    let iam = |console: &Console| -> Vec<IamAuth> {
        console.state.fleet.rows.iter().map(|row| console.state.fleet.database(row).iam).collect()
    };
    let all = iam(&console);
    let off = |iam: &IamAuth| matches!(iam, IamAuth::Disabled | IamAuth::Pending { to: false });
    console.keys("/ !off Enter");
    assert_eq!(iam(&console).len(), all.iter().filter(|iam| !off(iam)).count());
    assert!(iam(&console).len() < all.len(), "some are off");
    console.keys("Esc / pending Enter");
    let pending = all.iter().filter(|iam| matches!(iam, IamAuth::Pending { .. })).count();
    assert!(pending > 0 && iam(&console).len() == pending, "{:?}", iam(&console));
    console.keys("Esc / production Enter");
    assert!(names(&console).contains(&"orders-prod".to_owned()), "{:?}", names(&console));
}

#[test]
fn nothing_ticked_means_the_default_profile_and_no_region_is_no_choice() {
    let mut console = Console::listed(80, 24);
    console.keys("P");
    console.answer(|c| matches!(c, Command::Profiles), Answer::Profiles(vec!["prod".into(), "staging".into()]));
    console.keys("Enter");
    assert!(matches!(console.state.overlay, Some(Overlay::Picker(_))), "nothing was chosen");
    assert!(console.text().contains("no profile is ticked"), "{}", console.text());
    console.keys("s t a g Enter");
    let profiles = |console: &Console| -> Vec<Option<String>> {
        console.state.fleet.listings.iter().map(|listing| listing.place.profile.clone()).collect()
    };
    assert_eq!(profiles(&console), [Some("staging".to_owned())]);
    console.keys("P Space Enter");
    assert_eq!(profiles(&console), [None], "none ticked: the default again");
    console.keys("R Space Enter");
    assert!(matches!(console.state.overlay, Some(Overlay::Picker(_))));
    assert!(console.text().contains("no region is ticked"), "{}", console.text());
    assert!(console.text().contains("↓ more"), "{}", console.text());
}

#[test]
fn endpoints_of_a_proxy_are_told_apart() {
    let mut console = Console::start(80, 24);
    console.answer(|c| matches!(c, Command::Places), Answer::Places(vec![place("eu-west-1")]));
    let mut listed = inventory();
    let proxy = listed.databases.iter_mut().find(|database| database.identifier == "orders-proxy").expect("listed");
    let mut other = proxy.endpoints[0].clone();
    other.host = "orders-proxy-reads-only.endpoint.proxy-c9abcd1234ef.eu-west-1.rds.amazonaws.com".to_owned();
    proxy.endpoints.push(other);
    console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Inventory(listed));
    console.keys("/ orders-proxy Enter Enter");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), Some("oncall".into())));
    let field = |console: &Console| console.state.connect.as_ref().map(|pane| pane.field);
    while field(&console) != Some(Field::Endpoint) {
        console.keys("Up");
    }
    assert!(console.text().contains("proxy orders-proxy-reads-only "), "{}", console.text());
}

#[test]
fn half_typed_text_is_not_lost_by_control_c_twice() {
    let mut console = sessions(80, 24, 2);
    console.keys("h a l f C-c C-c");
    assert!(!console.state.quitting);
    let text = console.text();
    assert!(text.contains("2 billing: The editor of billing holds text"), "{text}");
    console.keys("Esc");
    assert!(console.text().contains("half"), "{}", console.text());
    console.keys("C-c C-c y");
    assert!(console.state.quitting);
}
