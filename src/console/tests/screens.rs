//! Each pane in each state, at 80×24 and 120×40.

use crate::access::Remembered;
use crate::console::event::{Answer, Command};
use crate::console::state::Focus;
use crate::console::testing::*;
use crate::model::*;
use std::time::Duration;

/// A snapshot with styles at 80×24, and the text alone at 120×40.
macro_rules! both {
    ($name:literal, $make:expr) => {{
        let make = $make;
        insta::assert_snapshot!(concat!($name, "-80x24"), make(80, 24).screen());
        insta::assert_snapshot!(concat!($name, "-120x40"), make(120, 40).text());
    }};
}

fn denied() -> Diagnosis {
    Diagnosis::new(Kind::AccessDenied, "You may not list databases in us-east-1")
        .because("AWS refused rds:DescribeDBClusters: not authorized to perform it on arn:aws:rds:us-east-1:123456789012:cluster:*")
        .advise_paste("Add this statement to the role prod-admin", "{\n  \"Effect\": \"Allow\",\n  \"Action\": \"rds:DescribeDB*\",\n  \"Resource\": \"*\"\n}")
}

fn ended() -> Diagnosis {
    Diagnosis::new(Kind::LoginEnded, "Your AWS login has ended")
        .because("the SSO session of profile prod ended at 02:40")
        .advise_paste("Log in again, then press r", "aws sso login --profile prod")
}

#[test]
fn fleet_before_anything_answered() {
    both!("fleet-first", Console::start);
}

#[test]
fn fleet_while_regions_answer() {
    both!("fleet-partly", |width, height| {
        let mut console = Console::start(width, height);
        let places = vec![place("eu-west-1"), place("us-east-1")];
        console.answer(|c| matches!(c, Command::Places), Answer::Places(places));
        console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Inventory(inventory()));
        console.tick(Duration::from_millis(1234));
        console
    });
}

#[test]
fn fleet_listed() {
    both!("fleet", |width, height| {
        let mut console = Console::listed(width, height);
        console.keys("j j j");
        console
    });
}

#[test]
fn fleet_wide() {
    insta::assert_snapshot!("fleet-200x50", Console::listed(200, 50).text());
}

#[test]
fn fleet_with_a_region_that_failed_and_a_gap() {
    both!("fleet-problem", |width, height| {
        let mut console = Console::start(width, height);
        let places = vec![place("eu-west-1"), place("us-east-1")];
        console.answer(|c| matches!(c, Command::Places), Answer::Places(places));
        console.answer(|c| matches!(c, Command::Identity(_)), Answer::Identity(identity()));
        let gaps = vec!["proxies could not be listed: rds:DescribeDBProxies is denied".to_owned()];
        console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Inventory(Inventory { gaps, ..inventory() }));
        console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Failed(denied()));
        console
    });
}

#[test]
fn fleet_without_a_login() {
    both!("fleet-failed", |width, height| {
        let mut console = Console::start(width, height);
        console.answer(|c| matches!(c, Command::Places), Answer::Places(vec![place("eu-west-1")]));
        console.answer(|c| matches!(c, Command::Identity(_)), Answer::Failed(ended()));
        console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Failed(ended()));
        console
    });
}

#[test]
fn fleet_filtered() {
    both!("fleet-filter", |width, height| {
        let mut console = Console::listed(width, height);
        console.keys("/ ordp");
        console
    });
}

#[test]
fn fleet_copy_menu() {
    both!("fleet-copy", |width, height| {
        let mut console = Console::listed(width, height);
        console.keys("/ orders Enter y");
        console
    });
}

#[test]
fn fleet_overlays() {
    for (name, keys) in [("help", "?"), ("palette", ": t u"), ("regions", "R"), ("details", "v"), ("policy-user", "i")]
    {
        for (width, height) in [(80, 24), (120, 40)] {
            let mut console = Console::listed(width, height);
            console.keys("/ orders Enter");
            console.keys(keys);
            insta::assert_snapshot!(format!("overlay-{name}-{width}x{height}"), console.text());
        }
    }
    both!("overlay-foreign", |width, height| {
        let mut console = Console::listed(width, height);
        console.keys("/ wiki Enter Enter");
        console
    });
}

#[test]
fn connect_waits_for_bastions() {
    both!("connect-first", |width, height| Console::connecting(width, height, "orders"));
}

fn filled(width: u16, height: u16) -> Console {
    let mut console = Console::connecting(width, height, "orders");
    let at = Some(now() - Duration::from_secs(7200));
    let remembered = Remembered { user: Some("oncall".into()), at, ..Remembered::default() };
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(remembered, Some("oncall".into())));
    console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
    console
}

#[test]
fn connect_filled() {
    both!("connect", filled);
}

#[test]
fn connect_routes() {
    both!("connect-routes", |width, height| {
        let mut console = filled(width, height);
        console.keys("Down Right Right");
        console
    });
}

#[test]
fn connect_writable_production_asks_for_the_name() {
    both!("connect-production", |width, height| {
        let mut console = filled(width, height);
        console.keys("Up Space Enter");
        console
    });
}

#[test]
fn connect_with_a_password() {
    both!("connect-password", |width, height| {
        let mut console = Console::connecting(width, height, "legacy");
        console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Remembered::default(), None));
        console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
        console.keys("app Enter secret");
        console
    });
}

fn walking(width: u16, height: u16) -> Console {
    let mut console = filled(width, height);
    console.keys("Enter");
    let (id, _) = console.asked.iter().rev().find(|(_, c)| matches!(c, Command::Connect(..))).cloned().expect("asked");
    let host = "orders-prod.cluster-c9abcd1234ef.eu-west-1.rds.amazonaws.com:5432";
    for (kind, state) in [
        (
            StepKind::Credentials,
            StepState::Done("assumed role prod-admin, ends 18:40".into(), Duration::from_millis(12)),
        ),
        (StepKind::Route, StepState::Done("via bastion-a: same VPC".into(), Duration::from_millis(95))),
        (StepKind::Session, StepState::Done("oncall-0a1b2c3d4e5f".into(), Duration::from_millis(210))),
        (StepKind::Handshake, StepState::Done("agent 3.3.987.0".into(), Duration::from_millis(38))),
        (StepKind::Database, StepState::Begun(host.into())),
    ] {
        console.event(crate::console::event::Event::Answer(id, Answer::Step(Step { kind, state })));
    }
    console.tick(Duration::from_millis(1200));
    console
}

#[test]
fn way_walked() {
    both!("way", walking);
}

#[test]
fn way_failed() {
    both!("way-failed", |width, height| {
        let mut console = walking(width, height);
        let diagnosis = Diagnosis::new(Kind::UnreachableFromBastion, "bastion-a cannot reach orders-prod.cluster-c9abcd1234ef.eu-west-1.rds.amazonaws.com:5432")
            .because("the agent reported: dial tcp 10.0.3.17:5432: i/o timeout")
            .because("none of sg-0db0db0d's rules lets sg-0b57100 in on 5432")
            .advise_paste("Let the bastion's security group in", "aws ec2 authorize-security-group-ingress --group-id sg-0db0db0d --protocol tcp --port 5432 --source-group sg-0b57100")
            .advise("Choose bastion-b: it is online");
        console.answer(|c| matches!(c, Command::Connect(..)), Answer::Failed(diagnosis));
        console
    });
}

#[test]
fn lines_with_a_port() {
    both!("lines", |width, height| {
        let mut console = Console::listed(width, height);
        console.keys("t");
        console.answer(|c| matches!(c, Command::Forward(..)), Answer::Forwarded(54321));
        let report = crate::access::LineReport {
            is_alive: true,
            address: "billing.c9abcd1234ef.eu-west-1.rds.amazonaws.com:5432".into(),
            route: "via bastion-a".into(),
            ssm_session: None,
            health: String::new(),
            streams: 3,
            received: 1_234_567,
            sent: 8_910,
            round_trip: Some(Duration::from_millis(34)),
            resumes: 1,
            age: Duration::from_secs(754),
        };
        // Others are on the same route.
        let own = crate::access::ForwardReport { port: 54321, streams: 1, received: 4_567, sent: 910 };
        console.answer(|c| matches!(c, Command::Lines), Answer::Lines(vec![report], Vec::new(), vec![own]));
        console
    });
}

#[test]
fn a_port_that_lost_its_session_and_has_a_new_one() {
    use crate::access::ForwardNews;
    both!("lines-news", |width, height| {
        let mut console = Console::listed(width, height);
        console.keys("t");
        let (id, _) = console.asked.iter().rev().find(|(_, c)| matches!(c, Command::Forward(..))).expect("asked");
        let id = *id;
        let told = |console: &mut Console, answer| console.event(crate::console::event::Event::Answer(id, answer));
        told(&mut console, Answer::Forwarded(54321));
        console.keys("L");
        let lost = Diagnosis::new(Kind::TunnelLost, "AWS ended the session on bastion-a")
            .because("Session was terminated due to inactivity")
            .because("the 3 connections on it are lost");
        told(&mut console, Answer::ForwardNews(ForwardNews::Trouble(lost)));
        // Told wherever one is.
        assert!(console.text().contains("AWS ended the session on bastion-a"), "{}", console.text());
        let mended = ForwardNews::Mended("A new session carries the port, via bastion-b".into());
        told(&mut console, Answer::ForwardNews(mended));
        console.keys("L");
        console
    });
}

#[test]
fn way_walked_to_its_end_stays_a_moment() {
    both!("way-arrived", |width, height| {
        let mut console = walking(width, height);
        for (at, kind) in [StepKind::Database, StepKind::Tls, StepKind::Login].into_iter().enumerate() {
            let (id, _) = console.asked.iter().rev().find(|(_, c)| matches!(c, Command::Connect(..))).expect("asked");
            let step =
                Step { kind, state: StepState::Done("as it should be".into(), Duration::from_millis(20 + at as u64)) };
            console.event(crate::console::event::Event::Answer(*id, Answer::Step(step)));
        }
        console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
        console
    });
    let mut console = walking(80, 24);
    console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
    console.tick(Duration::from_secs(1));
    assert!(console.text().contains("idle"), "{}", console.text());
}

#[test]
fn several_sessions_have_a_row_of_tabs() {
    both!("tabs", |width, height| {
        let mut console = filled(width, height);
        console.keys("Enter");
        console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
        console.keys("C-t");
        console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
        console.tick(Duration::from_secs(1));
        console
    });
}

/// A session that was just logged in.
fn querying(width: u16, height: u16, keys: &str) -> Console {
    let mut console = filled(width, height);
    console.keys("Enter");
    console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
    console.tick(Duration::from_secs(1));
    console.keys(keys);
    console
}

#[test]
fn the_keys_of_the_query_pane() {
    both!("query-help", |width, height| querying(width, height, "F1"));
    both!("query-help-end", |width, height| querying(width, height, "F1 G"));
}

#[test]
fn without_colour_everything_is_still_told() {
    let mut console = Console::listed(80, 24);
    console.state.settings.color = false;
    console.keys("j");
    insta::assert_snapshot!("fleet-no-colour-80x24", console.screen());
}

#[test]
fn a_screen_of_any_size_can_be_drawn() {
    for (width, height) in [(1, 1), (2, 3), (10, 5), (20, 10), (40, 12), (300, 100)] {
        for make in [Console::listed, filled, walking] {
            let mut console = make(width, height);
            let _ = console.text();
            for keys in ["?", "Esc", ":", "Esc", "R", "Esc", "y", "Esc", "v"] {
                console.keys(keys);
                let _ = console.text();
            }
        }
    }
}

/// The doctor, asked from the fleet, with so much looked at.
fn examined(width: u16, height: u16, checks: &[Check]) -> Console {
    let mut console = Console::listed(width, height);
    console.keys("d oncall Enter");
    for check in checks {
        let begun = DoctorNews::Begun(check.kind, String::new());
        console.news(|c| matches!(c, Command::Doctor(_)), Answer::Doctor(begun));
        console.tick(Duration::from_millis(40));
        console.news(|c| matches!(c, Command::Doctor(_)), Answer::Doctor(DoctorNews::Done(check.clone())));
    }
    console
}

fn healthy() -> Vec<Check> {
    let found = |kind: CheckKind| match kind {
        CheckKind::Settings => "the default profile, eu-west-1",
        CheckKind::Credentials => "prod-admin in 123456789012, end 2026-11-23 08:00:00 UTC",
        CheckKind::Bastion => {
            "via bastion-a (i-0b2f61a54d1c9e083), best of those there are: same VPC, sg-0db lets it in"
        }
        CheckKind::ConnectPolicy => "rds-db:connect is allowed by the policy databases (simulated)",
        CheckKind::Role => "rds_iam through people, no rds_ad; connections: 2 of its own, 9 of 100 in all",
        CheckKind::Server => "PostgreSQL 16.6, takes writes, up 12 days",
        _ => "as it should be",
    };
    let verdict = |kind| if kind == CheckKind::ConnectPolicy { Verdict::Likely } else { Verdict::Ok };
    let check = |kind| Check {
        took: Some(Duration::from_millis(12)),
        details: vec!["more of it".to_owned()],
        ..Check::new(kind, verdict(kind), found(kind))
    };
    CheckKind::ALL.into_iter().map(check).collect()
}

fn refused() -> DoctorReport {
    let diagnosis = Diagnosis::new(Kind::TokenRefused, "orders-prod refused the token for oncall")
        .because("PAM authentication failed for user \"oncall\"")
        .because("likely: no IAM policy of role/prod-admin allows rds-db:connect on arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-7Q/oncall (simulated)")
        .advise_paste("Have this statement added to your IAM policy", "{\n  \"Effect\": \"Allow\",\n  \"Action\": \"rds-db:connect\"\n}")
        .advise_paste("As an administrator of the database", "GRANT rds_iam TO \"oncall\";");
    let mut checks = healthy();
    for check in &mut checks {
        match check.kind {
            CheckKind::ConnectPolicy => {
                check.verdict = Verdict::Doubtful;
                check.found = "no IAM policy of role/prod-admin allows rds-db:connect (simulated)".to_owned();
            }
            CheckKind::Login => {
                check.verdict = Verdict::Failed;
                check.found.clone_from(&diagnosis.title);
                check.diagnosis = Some(Box::new(diagnosis.clone()));
            }
            CheckKind::Role | CheckKind::Server => *check = Check::new(check.kind, Verdict::NotReached, ""),
            _ => {}
        }
    }
    DoctorReport { target: "orders-prod".to_owned(), user: "oncall".to_owned(), checks }
}

#[test]
fn the_doctor_looks() {
    both!("doctor-looking", |width, height| {
        let mut console = examined(width, height, &healthy()[..6]);
        let begun = DoctorNews::Begun(CheckKind::Bastion, "orders-prod.cluster-c9:5432".to_owned());
        console.news(|c| matches!(c, Command::Doctor(_)), Answer::Doctor(begun));
        console.tick(Duration::from_millis(1300));
        console
    });
}

#[test]
fn the_doctor_found_nothing_wrong() {
    both!("doctor-well", |width, height| {
        let mut console = examined(width, height, &healthy());
        let report = DoctorReport { checks: healthy(), ..refused() };
        console.answer(|c| matches!(c, Command::Doctor(_)), Answer::Examined(Box::new(report)));
        console
    });
}

#[test]
fn the_doctor_found_a_break() {
    both!("doctor-broken", |width, height| {
        let mut console = examined(width, height, &healthy()[..16]);
        console.answer(|c| matches!(c, Command::Doctor(_)), Answer::Examined(Box::new(refused())));
        console
    });
    both!("doctor-broken-details", |width, height| {
        let mut console = examined(width, height, &healthy()[..16]);
        console.answer(|c| matches!(c, Command::Doctor(_)), Answer::Examined(Box::new(refused())));
        console.keys("Space");
        console
    });
}

#[test]
fn the_doctor_is_left_at_once_and_stops() {
    let mut console = examined(80, 24, &healthy()[..3]);
    assert_eq!(console.state.focus, Focus::Doctor);
    console.keys("Esc");
    assert_eq!(console.state.focus, Focus::Fleet);
    let asked =
        |console: &Console, which: fn(&Command) -> bool| console.asked.iter().any(|(_, command)| which(command));
    assert!(asked(&console, |c| matches!(c, Command::Stop(_))), "what is under way is stopped");
    // From where connecting failed, and back there.
    let mut console = walking(80, 24);
    console.answer(|c| matches!(c, Command::Connect(..)), Answer::Failed(denied()));
    console.keys("d");
    assert_eq!(console.state.focus, Focus::Doctor);
    console.answer(|c| matches!(c, Command::Doctor(_)), Answer::Examined(Box::new(refused())));
    console.keys("y");
    assert!(asked(&console, |c| matches!(c, Command::Copy(_))));
    console.keys("r");
    assert!(asked(&console, |c| matches!(c, Command::Doctor(_))), "once more");
    console.keys("q");
    assert_eq!(console.state.focus, Focus::Connect);
}

#[test]
fn the_doctor_counts_what_holds_apart_from_what_is_likely() {
    let mut console = examined(80, 24, &healthy()[..16]);
    let mut report = refused();
    for check in &mut report.checks {
        if check.kind == CheckKind::ConnectPolicy {
            *check = Check::new(check.kind, Verdict::Likely, "allowed (simulated)");
        }
    }
    let hold = report.checks.iter().filter(|check| check.verdict == Verdict::Ok).count();
    console.answer(|c| matches!(c, Command::Doctor(_)), Answer::Examined(Box::new(report)));
    let text = console.text();
    assert!(text.contains(&format!("✓ {hold} hold: ")), "{text}");
    assert!(text.contains("≈ 1 likely, as IAM's simulation has it: "), "{text}");
}
