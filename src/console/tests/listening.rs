//! Listeners opened, shown, handed over and closed; IAM authentication switched on: keys and answers in, screens and commands
//! out.

use crate::access::handoff::Lead;
use crate::access::{LineReport, ListenerReport, Remembered};
use crate::console::event::{Answer, Command};
use crate::console::state::Overlay;
use crate::console::testing::*;
use crate::model::*;
use std::path::PathBuf;
use std::time::Duration;

fn lead() -> Lead {
    Lead {
        name: "billing".into(),
        host: "127.0.0.1".into(),
        port: 5433,
        user: "oncall".into(),
        database: "shop".into(),
        passfile: Some(PathBuf::from("/state/run/p1/passfile")),
        secret: Some(Secret::new("S3cr3t")),
        authority: None,
        folder: PathBuf::from("/state/run/p1"),
    }
}

fn line() -> LineReport {
    LineReport {
        address: "billing.c9abcd1234ef.eu-west-1.rds.amazonaws.com:5432".into(),
        route: "via bastion-a".into(),
        ssm_session: None,
        is_alive: true,
        health: "up (when idle, AWS ends it at the account's limit)".into(),
        streams: 2,
        received: 1_234_567,
        sent: 8_910,
        round_trip: Some(Duration::from_millis(34)),
        resumes: 1,
        age: Duration::from_secs(754),
    }
}

fn report() -> ListenerReport {
    ListenerReport {
        name: "billing".into(),
        address: "127.0.0.1:5433".into(),
        database: line().address,
        users: "oncall".into(),
        read_only: true,
        production: false,
        route: Some("via bastion-a".into()),
        streams: 2,
        received: 1_234_567,
        sent: 8_910,
        logins: 41,
        refused: 1,
        last_error: Some("password authentication failed for user \"me\"".into()),
        since_error: Some((Duration::from_secs(240), 0)),
        age: Duration::from_secs(3_725),
        line: Some(line()),
    }
}

/// A listener for billing, opened by the form, and one of the settings that is not.
fn listening(width: u16, height: u16) -> Console {
    let mut console = Console::listed(width, height);
    console.state.lines.kept = vec![ListenerSettings {
        name: "reports".into(),
        target: "reports-prod".into(),
        users: vec!["analyst".into()],
        port: Some(5439),
        ..ListenerSettings::default()
    }];
    console.keys("/ billing Enter o");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Default::default(), Some("oncall".into())));
    console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
    console.keys("Enter");
    console.answer(|c| matches!(c, Command::Listen(..)), Answer::Listening(Box::new(lead())));
    console.answer(|c| matches!(c, Command::Lines), Answer::Lines(vec![line()], vec![report()], Vec::new()));
    console.tick(Duration::from_secs(5));
    console
}

#[test]
fn the_form_of_a_listener() {
    let mut console = Console::listed(80, 24);
    console.keys("/ billing Enter o");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Default::default(), Some("oncall".into())));
    console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
    console.keys("Tab Tab Tab Right Right Tab Tab 70000 Enter");
    assert!(console.text().contains("a port is a number from 1 to 65535"), "{}", console.text());
    insta::assert_snapshot!("listen-80x24", console.screen());
    console.keys("Backspace Backspace Backspace Backspace Backspace 5433 Tab Tab Tab Space Enter");
    let (_, command) = console.asked.iter().find(|(_, c)| matches!(c, Command::Listen(..))).expect("asked");
    let Command::Listen(plan, endpoint, Auth::Iam) = command else { panic!("{command:?}") };
    assert_eq!(
        (plan.users.as_slice(), plan.port, plan.read_only),
        (&["oncall".to_owned()][..], Some(5433), Some(true))
    );
    assert_eq!(plan.via.as_deref(), Some("i-0b2c3d4e5f6a70001"));
    assert!(endpoint.as_ref().is_some_and(|endpoint| endpoint.owner == "billing"));
}

#[test]
fn a_listener_has_what_the_command_has() {
    let opened = |keys: &str| {
        let mut console = Console::listed(80, 24);
        console.keys("/ billing Enter o");
        let remembered = Remembered { auth: Some("passfile".into()), ..Remembered::default() };
        console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(remembered, Some("oncall".into())));
        console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
        console.keys(keys);
        console
    };
    let asked = |console: &Console| {
        let (_, command) = console.asked.iter().find(|(_, c)| matches!(c, Command::Listen(..))).expect("asked");
        let Command::Listen(plan, _, auth) = command else { panic!("{command:?}") };
        ((**plan).clone(), auth.clone())
    };
    // What was used last, then what is chosen. Outside production clients write, as with the command: `read_only` of the
    // settings, which is on here, is for sessions.
    let (plan, auth) = asked(&opened("Enter"));
    assert_eq!((plan.read_only, auth), (Some(false), Auth::Passfile));
    assert_eq!(asked(&opened("Tab Tab Right Enter")).1, Auth::Command);
    // A secret says whose it is.
    let (plan, auth) =
        asked(&opened("Backspace Backspace Backspace Backspace Backspace Backspace Tab Tab Left Left Left Enter"));
    assert_eq!((plan.users.len(), auth), (0, Auth::SecretsManager(None)));
    let (_, auth) = asked(&opened("Tab Tab Right Right Tab orders/app Enter"));
    assert_eq!(auth, Auth::SecretsManager(Some("orders/app".into())));
    let (plan, _) = asked(&opened("Tab Tab Tab Tab Tab Tab Right Tab Right Enter"));
    assert!(plan.tls && plan.no_secret && plan.socket.is_none(), "{plan:?}");

    let mut console = opened("Tab Tab Left Enter");
    assert!(console.text().contains("which password?"), "{}", console.text());
    console.keys("hunter2 Tab Tab Right");
    insta::assert_snapshot!("listen-socket-80x24", console.text());
    assert!(!console.text().contains("hunter2"));
    console.keys("Tab Tab /tmp/s Enter");
    let (plan, auth) = asked(&console);
    assert_eq!((plan.socket, plan.port), (Some(PathBuf::from("/tmp/s")), None));
    assert_eq!(auth, Auth::Password(Secret::new("hunter2")));
    assert!(!format!("{:?}", console.state.lines).contains("Password"), "it goes with the question alone");
}

#[test]
fn clients_write_to_production_once_its_name_is_typed() {
    let plan = |console: &Console| {
        console.asked.iter().rev().find_map(|(_, c)| match c {
            Command::Listen(plan, endpoint, _) => Some(((**plan).clone(), endpoint.is_some())),
            _ => None,
        })
    };
    let form = || {
        let mut console = Console::listed(80, 24);
        console.state.settings.production = vec!["billing".into()];
        console.keys("/ billing Enter o");
        console
            .answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Default::default(), Some("oncall".into())));
        console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
        console
    };
    // It begins read-only, and is not asked about then.
    let mut console = form();
    console.keys("Enter");
    assert_eq!(plan(&console).map(|(plan, _)| plan.read_only), Some(Some(true)));

    let mut console = form();
    console.keys("Up Space");
    assert!(console.text().contains("WRITES TO PRODUCTION"), "{}", console.text());
    console.keys("Enter");
    insta::assert_snapshot!("consent-80x24", console.screen());
    console.keys("bill Enter");
    assert_eq!(plan(&console), None, "the name is not complete");
    assert!(console.text().contains("bill  ◂ not its name, exactly"), "{}", console.text());
    console.keys("ing Enter");
    assert_eq!(plan(&console).map(|(plan, known)| (plan.read_only, known)), Some((Some(false), true)));
    // Tab opens it for reading.
    let mut console = form();
    console.keys("Up Space Enter Tab");
    assert_eq!(plan(&console).map(|(plan, _)| plan.read_only), Some(Some(true)));
    let mut console = form();
    console.keys("Up Space Enter Esc");
    assert!(plan(&console).is_none() && console.state.overlay.is_none());

    // One of the settings: whether it leads to production is known once it was found.
    let mut console = Console::listed(80, 24);
    console.state.lines.kept = vec![ListenerSettings {
        name: "billing".into(),
        target: "billing".into(),
        read_only: Some(false),
        ..ListenerSettings::default()
    }];
    console.keys("/ billing Enter o");
    let endpoint = console.asked.iter().rev().find_map(|(_, c)| match c {
        Command::Recall(endpoint) => Some(endpoint.clone()),
        _ => None,
    });
    console.keys("Esc L Enter");
    assert_eq!(plan(&console).map(|(plan, known)| (plan.read_only, known)), Some((Some(false), false)));
    let answer = Answer::Unconsented(endpoint.expect("asked"), Auth::Passfile);
    console.answer(|c| matches!(c, Command::Listen(..)), answer);
    assert!(console.text().contains("type billing to go on"), "{}", console.text());
    console.keys("billing Enter");
    assert_eq!(plan(&console).map(|(plan, known)| (plan.read_only, known)), Some((Some(false), true)));
    assert!(console.asked.iter().any(|(_, c)| matches!(c, Command::Listen(_, Some(_), Auth::Passfile))));
}

#[test]
fn the_table_of_what_is_open() {
    insta::assert_snapshot!("listeners-80x24", listening(80, 24).screen());
    insta::assert_snapshot!("listeners-140x40", listening(140, 40).text());
    let mut console = listening(80, 24);
    console.keys("j Enter");
    let (_, command) = console.asked.iter().find(|(_, c)| matches!(c, Command::Listen(..))).expect("asked");
    let Command::Listen(plan, None, _) = command else { panic!("{command:?}") };
    assert_eq!((plan.name.as_str(), plan.target.as_str()), ("reports", "reports-prod"));
    // Open, it is no longer offered; closed, it is again.
    assert_eq!(console.text().matches("reports").count(), 1, "{}", console.text());
    console.keys("x");
    assert!(console.asked.iter().any(|(_, c)| matches!(c, Command::Stop(_))));
    assert!(console.text().contains("○ 127.0.0.1:5439"), "{}", console.text());
}

#[test]
fn whoever_is_on_a_listener_is_not_cut_off_by_one_key() {
    let stopped = |console: &Console| console.asked.iter().any(|(_, c)| matches!(c, Command::Stop(_)));
    let mut console = listening(80, 24);
    console.keys("x");
    assert!(console.text().contains("2 clients are on billing: x once more closes it"), "{}", console.text());
    // Another key in between: it is asked anew.
    console.keys("j k x");
    assert!(!stopped(&console) && console.text().contains("x once more"), "{}", console.text());
    console.keys("x");
    assert!(stopped(&console) && console.text().contains("closed the listener billing"), "{}", console.text());
    // Nobody on it: at once.
    let mut console = listening(80, 24);
    let alone = ListenerReport { streams: 0, since_error: Some((Duration::from_secs(240), 3)), ..report() };
    console.tick(Duration::from_secs(5));
    let (id, _) = console.asked.iter().rfind(|(_, c)| matches!(c, Command::Lines)).expect("asked").clone();
    console.event(crate::console::event::Event::Answer(id, Answer::Lines(vec![], vec![alone], Vec::new())));
    assert!(console.text().contains("· 4 min ago · 3 logins since"), "{}", console.text());
    console.keys("x");
    assert!(stopped(&console));
}

#[test]
fn a_listener_is_handed_over_file_first() {
    let mut console = listening(80, 24);
    console.keys("y");
    insta::assert_snapshot!("hand-over-80x24", console.screen());
    assert!(!console.text().contains("S3cr3t"));
    console.keys("w");
    let files =
        console.asked.iter().find_map(|(_, c)| if let Command::HandOver(files, _) = c { Some(files) } else { None });
    assert_eq!(files.expect("asked")[0].0, PathBuf::from("/state/run/p1/sqlworkbench.properties"));
    assert!(!console.asked.iter().any(|(_, c)| matches!(c, Command::Copy(_))), "not before the file is there");
    console.answer(|c| matches!(c, Command::HandOver(..)), Answer::HandedOver("words".into()));
    assert!(console.asked.iter().any(|(_, c)| matches!(c, Command::Copy(text) if text.reveal() == "words")));
    assert!(console.text().contains("copied SQL Workbench/J"), "{}", console.text());
}

#[test]
fn a_forwarded_port_hands_over_one_command() {
    let mut console = Console::listed(80, 24);
    console.keys("/ billing Enter t");
    console.answer(|c| matches!(c, Command::Forward(..)), Answer::Forwarded(54321));
    console.keys("y p");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Default::default(), Some("oncall".into())));
    console.keys("Enter");
    let (_, command) = console.asked.iter().find(|(_, c)| matches!(c, Command::Raw(..))).expect("asked");
    assert!(matches!(command, Command::Raw(endpoint, 54321, user) if user == "oncall" && endpoint.owner == "billing"));
    console.answer(|c| matches!(c, Command::Raw(..)), Answer::Words("PGHOST=… psql".into()));
    assert!(console.asked.iter().any(|(_, c)| matches!(c, Command::Copy(text) if text.reveal() == "PGHOST=… psql")));
}

#[test]
fn iam_authentication_is_switched_on_by_name() {
    let mut console = Console::listed(80, 24);
    let standing = |iam, status: &str| IamProgress {
        status: status.into(),
        iam,
        window: Some("sun:03:30-sun:04:00".into()),
        waiting: vec!["class db.r7g.large".into()],
    };
    console.keys("/ legacy Enter I");
    console.keys("legacy-crm Enter");
    assert!(matches!(console.state.overlay, Some(Overlay::EnableIam(_))), "not before what waits is known");
    let before = standing(IamAuth::Disabled, "available");
    console.answer(|c| matches!(c, Command::IamProgress(_)), Answer::IamProgress(before));
    insta::assert_snapshot!("enable-iam-80x24", console.screen());
    console.keys("Backspace Enter");
    assert!(!console.asked.iter().any(|(_, c)| matches!(c, Command::EnableIam(..))), "the name is not complete");
    assert!(console.text().contains("legacy-cr  ◂ not its name, exactly"), "{}", console.text());
    // Its keys lie over the question, which is there again as it was.
    console.keys("F1");
    assert!(console.text().contains("At once, or in the window"), "{}", console.text());
    console.keys("Esc");
    assert!(console.text().contains("type legacy-crm to go on: legacy-cr"), "{}", console.text());
    console.keys("m Tab Enter");
    let (id, command) = console.asked.iter().find(|(_, c)| matches!(c, Command::EnableIam(..))).expect("asked").clone();
    assert!(matches!(command, Command::EnableIam(plan, When::Window) if plan.identifier == "legacy-crm"));
    let tell = |console: &mut Console, answer| console.event(crate::console::event::Event::Answer(id, answer));
    tell(&mut console, Answer::IamProgress(standing(IamAuth::Pending { to: true }, "available")));
    assert!(console.text().contains("legacy-crm: available · IAM pending"), "{}", console.text());
    assert!(console.asked.iter().any(|(_, c)| matches!(c, Command::Inventory(_))), "the list is asked for anew");
    tell(&mut console, Answer::IamEnded(standing(IamAuth::Enabled, "available")));
    assert!(console.text().contains("legacy-crm takes tokens now"), "{}", console.text());
    // What has it already is told so.
    let mut console = Console::listed(80, 24);
    console.keys("/ billing Enter I");
    assert!(console.text().contains("billing takes tokens already"), "{}", console.text());
}

#[test]
fn why_a_client_was_turned_away_is_told_whole() {
    let mut console = listening(80, 24);
    assert!(console.text().contains("e why"), "{}", console.text());
    console.keys("e");
    let Some(Overlay::Diagnosis(pane)) = &console.state.overlay else { panic!("{}", console.text()) };
    assert_eq!(pane.diagnosis.title, "password authentication failed for user \"me\"");
    assert!(pane.diagnosis.advice.iter().any(|advice| advice.say.starts_with("y hands over")), "{:?}", pane.diagnosis);
}

#[test]
fn a_number_and_its_unit_stay_on_one_line() {
    for width in 50..120 {
        let console = listening(width, 24);
        for line in console.text().lines() {
            let last = line.trim_end().rsplit(' ').next().unwrap_or_default();
            let torn = matches!(last, "↓" | "↑") || (line.starts_with("      ") && last.parse::<f64>().is_ok());
            assert!(!torn, "{width}: {line}");
        }
    }
}

#[test]
fn an_empty_list_offers_no_key_that_needs_a_row() {
    let mut console = Console::listed(100, 24);
    console.keys("L");
    let text = console.text();
    let keys = text.lines().last().unwrap_or_default();
    assert!(!keys.contains("hand over") && !keys.contains("why") && !keys.contains("close"), "{keys}");
    assert!(keys.contains("listen") && keys.contains("fleet"), "{keys}");
    for key in ["y", "e", "x"] {
        console.keys(key);
        assert!(console.text().contains("nothing is open: n listens"), "{key}: {}", console.text());
    }
}
