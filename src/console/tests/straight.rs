//! `gatepost connect`: from a name on the command line to the way, without a key.

use crate::access::Remembered;
use crate::console::event::{Answer, Command};
use crate::console::panes::connect::Field;
use crate::console::state::{Focus, Overlay};
use crate::console::testing::*;
use crate::model::*;

fn wanted(name: &str) -> Wanted {
    Wanted { name: name.to_owned(), ..Wanted::default() }
}

fn list(console: &mut Console, region: &str, inventory: Inventory) {
    let here = place(region);
    console.answer(
        |c| matches!(c, Command::Inventory(asked) if *asked == here),
        Answer::Inventory(Inventory { place: here.clone(), ..inventory }),
    );
}

fn recall(console: &mut Console, remembered: Remembered) {
    let user = remembered.user.clone();
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(remembered, user));
}

/// What was sent off, if anything was.
fn sent(console: &Console) -> Option<&crate::access::Wish> {
    console.asked.iter().find_map(|(_, command)| match command {
        Command::Connect(_, wish) => Some(&**wish),
        _ => None,
    })
}

#[test]
fn a_name_leads_to_the_way_with_what_was_given_before_what_was_used_last() {
    let given = Wanted {
        user: Some("oncall".to_owned()),
        route: Some(RouteChoice::Direct),
        database: Some("bi".to_owned()),
        auth: Some(Auth::Passfile),
        ..wanted("billing")
    };
    let mut console = Console::wanting(given, &["eu-west-1"]);
    list(&mut console, "eu-west-1", inventory());
    assert_eq!(console.state.focus, Focus::Connect);
    assert!(sent(&console).is_none(), "first what was used last is asked for");
    let used = Remembered {
        user: Some("app".to_owned()),
        token_user: Some("app".to_owned()),
        database: Some("shop".to_owned()),
        route: Some("bastion-a".to_owned()),
        auth: Some("iam".to_owned()),
        at: None,
    };
    recall(&mut console, used.clone());
    let wish = sent(&console).expect("it is sent off");
    assert_eq!((wish.user.as_str(), wish.database.as_deref()), ("oncall", Some("bi")));
    assert_eq!((&wish.route, &wish.auth, wish.read_only), (&RouteChoice::Direct, &Auth::Passfile, true));
    assert!(console.text().contains("billing"), "{}", console.text());

    let mut console = Console::wanting(wanted("billing"), &["eu-west-1"]);
    list(&mut console, "eu-west-1", inventory());
    recall(&mut console, used);
    let wish = sent(&console).expect("all is known from the last time");
    assert_eq!((wish.user.as_str(), wish.database.as_deref(), &wish.auth), ("app", Some("shop"), &Auth::Iam));
    assert_eq!(wish.route, RouteChoice::Via("bastion-a".to_owned()));
    let tab =
        console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
    assert_eq!((console.state.focus, console.state.tabs.len()), (Focus::Query, 1), "{tab:?}");
    assert!(console.state.arrival.is_none(), "the prompt is what was asked for");
}

#[test]
fn what_is_missing_is_asked_for_on_the_form() {
    let mut console = Console::wanting(wanted("billing"), &["eu-west-1"]);
    list(&mut console, "eu-west-1", inventory());
    recall(&mut console, Remembered::default());
    assert!(sent(&console).is_none());
    let pane = console.state.connect.as_ref().expect("the form stands");
    assert_eq!((pane.field, pane.missing.is_some()), (Field::User, true));
    console.keys("oncall Enter");
    assert_eq!(sent(&console).expect("sent off").user, "oncall");

    // Production is not written to by a flag alone.
    let writes = Wanted { user: Some("oncall".to_owned()), write: true, ..wanted("orders-prod") };
    let mut console = Console::wanting(writes, &["eu-west-1"]);
    console.state.settings.production = vec!["orders-prod".to_owned()];
    list(&mut console, "eu-west-1", inventory());
    recall(&mut console, Remembered::default());
    assert!(sent(&console).is_none(), "the name is to be typed first");
    assert_eq!(console.state.connect.as_ref().expect("the form stands").field, Field::Confirm);
    console.keys("orders-prod Enter");
    assert!(!sent(&console).expect("sent off").read_only);

    // An empty password is one to be typed.
    let asks =
        Wanted { user: Some("app".to_owned()), auth: Some(Auth::Password(Secret::new(""))), ..wanted("billing") };
    let mut console = Console::wanting(asks, &["eu-west-1"]);
    list(&mut console, "eu-west-1", inventory());
    recall(&mut console, Remembered::default());
    assert_eq!(console.state.connect.as_ref().expect("the form stands").field, Field::Password);
}

#[test]
fn an_identifier_waits_for_every_region_and_a_host_does_not() {
    let user = Some("oncall".to_owned());
    let mut console = Console::wanting(Wanted { user: user.clone(), ..wanted("billing") }, &["eu-west-1", "us-east-1"]);
    list(&mut console, "eu-west-1", inventory());
    assert_eq!(console.state.focus, Focus::Fleet, "us-east-1 may have a billing, too");
    list(&mut console, "us-east-1", inventory());
    let Some(Overlay::Diagnosis(pane)) = &console.state.overlay else { panic!("{}", console.text()) };
    assert_eq!(pane.diagnosis.kind, Kind::Ambiguous);
    assert!(console.state.target.is_none() && console.state.connect.is_none());

    let host =
        inventory().databases.iter().find(|d| d.identifier == "billing").expect("listed").endpoints[0].host.clone();
    let mut console = Console::wanting(Wanted { user, ..wanted(&host) }, &["eu-west-1", "us-east-1"]);
    list(&mut console, "eu-west-1", inventory());
    assert_eq!(console.state.focus, Focus::Connect, "no two databases have one host");

    let mut console = Console::wanting(wanted("biling"), &["eu-west-1"]);
    list(&mut console, "eu-west-1", inventory());
    assert!(console.text().contains("There is no database biling"), "{}", console.text());
    assert!(console.text().contains("billing"), "what was probably meant is named");
}

#[test]
fn whoever_went_elsewhere_meanwhile_is_not_dragged_back() {
    let mut console = Console::wanting(wanted("billing"), &["eu-west-1"]);
    console.keys("L");
    assert_eq!(console.state.focus, Focus::Lines);
    list(&mut console, "eu-west-1", inventory());
    assert_eq!(console.state.focus, Focus::Lines);
    assert!(console.text().contains("billing is listed now"), "{}", console.text());
}
