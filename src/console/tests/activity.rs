//! The activity by keys and answers: rows that move under a selection that stays, questions, losses, screens.

use crate::access::activity::{Ask, News};
use crate::console::event::{Answer, Command, Event};
use crate::console::state::Focus;
use crate::console::testing::*;
use crate::model::activity::{Backend, Detail, Lock, Prepared, Signal, Snapshot};
use crate::model::{Diagnosis, Kind};
use std::time::Duration;

fn backend(pid: i32, user: &str, state: &str, query: &str) -> Backend {
    Backend {
        pid,
        began: format!("2026-11-23 02:{:02}:00", pid % 60),
        user: user.to_owned(),
        database: "shop".to_owned(),
        application: "checkout".to_owned(),
        client: "10.0.3.7".to_owned(),
        kind: "client backend".to_owned(),
        state: state.to_owned(),
        since: Some(Duration::from_secs(4)),
        query: query.to_owned(),
        ..Backend::default()
    }
}

fn snapshot() -> Snapshot {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let holder = Backend {
        transaction: seconds(754),
        ..backend(4711, "app", "idle in transaction", "update stock set held = held + 1\nwhere item = 17")
    };
    let waiting = |pid, blocker, wait: &str| Backend {
        transaction: seconds(31),
        statement: seconds(30),
        wait: wait.to_owned(),
        blocked_by: vec![blocker],
        ..backend(pid, "app", "active", "update stock set held = 0 where item = 17")
    };
    let own = Backend {
        own: true,
        application: "gatepost activity (me)".to_owned(),
        ..backend(5000, "oncall", "active", "select")
    };
    let server = Backend { kind: "checkpointer".to_owned(), user: String::new(), ..backend(12, "", "", "") };
    let backends = vec![
        server,
        Backend {
            statement: seconds(2),
            ..backend(4000, "analyst", "active", "select \u{1b}[31m count(*) from orders")
        },
        backend(4500, "app", "idle", "commit"),
        holder,
        waiting(4712, 4711, "Lock:transactionid"),
        waiting(4713, 4712, "Lock:tuple"),
        own,
    ];
    let age = Duration::from_secs(10_000);
    let prepared = vec![Prepared { name: "tx-9".to_owned(), user: "app".to_owned(), database: "shop".to_owned(), age }];
    Snapshot { backends, prepared }
}

impl Console {
    /// What the one that looks tells.
    fn told(&mut self, news: News) {
        let id = self.state.activity.as_ref().expect("it is looked").id;
        self.event(Event::Answer(id, Answer::Activity(news)));
    }

    fn selected(&self) -> i32 {
        self.state.activity.as_ref().and_then(|pane| pane.selected.as_ref()).expect("one is selected").pid
    }

    /// What was asked of the one that looks since the last time.
    fn watched(&mut self) -> Vec<Ask> {
        let (watched, others) =
            std::mem::take(&mut self.asked).into_iter().partition(|(_, command)| matches!(command, Command::Watch(..)));
        self.asked = others;
        let watched: Vec<_> = watched;
        watched
            .into_iter()
            .filter_map(|(_, command)| if let Command::Watch(_, ask) = command { Some(ask) } else { None })
            .collect()
    }
}

/// Looking at the server of a session.
fn looking(width: u16, height: u16) -> Console {
    let mut console = Console::connecting(width, height, "orders-prod");
    console.answer(|c| matches!(c, Command::Recall(_)), Answer::Recalled(Default::default(), Some("oncall".into())));
    console.answer(|c| matches!(c, Command::Bastions(_)), Answer::Bastions(bastions()));
    console.keys("Enter");
    console.answer(|c| matches!(c, Command::Connect(..)), Answer::Connected("shop".into(), Box::new(facts())));
    console.keys("F10");
    console.told(News::Looked(snapshot()));
    console
}

#[test]
fn screens_of_the_activity() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut console = looking(width, height);
        insta::assert_snapshot!(format!("activity-{width}x{height}"), console.screen());
        console.keys("j Enter");
        let detail = Detail {
            pid: 4712,
            began: String::new(),
            query: "update stock set held = 0\nwhere item = 17".to_owned(),
            fields: vec![("role".to_owned(), "app".to_owned()), ("blocked by".to_owned(), "4711".to_owned())],
            locks: vec![
                Lock { kind: "transactionid".into(), object: "7711".into(), mode: "ShareLock".into(), granted: false },
                Lock {
                    kind: "relation".into(),
                    object: "stock".into(),
                    mode: "RowExclusiveLock".into(),
                    granted: true,
                },
            ],
        };
        console.told(News::Detail(4712, Some(Box::new(detail))));
        insta::assert_snapshot!(format!("activity-detail-{width}x{height}"), console.text());
        console.keys("Esc k T");
        insta::assert_snapshot!(format!("activity-question-{width}x{height}"), console.text());
    }
}

#[test]
fn the_selection_stays_with_its_session_while_rows_move() {
    let mut console = looking(80, 24);
    console.keys("j j");
    assert_eq!(console.selected(), 4713);
    let mut later = snapshot();
    // The chain is gone, a new session comes first, and the server's order is another.
    later.backends.iter_mut().for_each(|backend| backend.blocked_by.clear());
    later
        .backends
        .insert(0, Backend { transaction: Some(Duration::from_secs(9999)), ..backend(1, "app", "active", "vacuum") });
    console.told(News::Looked(later.clone()));
    assert_eq!(console.selected(), 4713);
    // Another session with the process id of the old one is another session.
    for backend in &mut later.backends {
        if backend.pid == 4713 {
            backend.began = "later".to_owned();
        }
    }
    let place = console.state.activity.as_ref().expect("it is looked").cursor.selected;
    console.told(News::Looked(later.clone()));
    assert_eq!(console.state.activity.as_ref().expect("it is looked").cursor.selected, place);
    later.backends.retain(|backend| backend.pid != 4713);
    console.told(News::Looked(later));
    assert_ne!(console.selected(), 4713);
    // The same again changes nothing on screen.
    let before = console.screen();
    let same = console.state.activity.as_ref().and_then(|pane| pane.latest.clone()).expect("looked").0;
    console.told(News::Looked(same));
    console.tick(Duration::from_secs(2));
    assert_eq!(console.screen(), before);
}

#[test]
fn what_is_shown_stays_and_tells_its_age_when_no_look_comes() {
    let mut console = looking(80, 24);
    let fresh = console.text();
    console.tick(Duration::from_secs(3));
    assert_eq!(console.text(), fresh, "a look may take its time");
    let late = console.state.next_tick().expect("it would be late then");
    console.event(Event::Tick(late));
    let text = console.text();
    assert!(text.contains("every 2 s · 4s old") && text.contains("4711"), "{text}");
    assert_eq!(console.state.next_tick(), Some(late + Duration::from_secs(1)));
    console.tick(Duration::from_secs(200));
    assert!(console.text().contains("3min old"));
    assert!(console.state.next_tick() > Some(console.state.now + Duration::from_secs(30)), "minutes change rarely");
    console.told(News::Lost(Diagnosis::new(Kind::TunnelLost, "The tunnel was lost"), Duration::from_secs(4)));
    assert!(console.text().contains("3min old"));
    console.told(News::Looked(snapshot()));
    assert_eq!(console.text(), fresh);
    console.keys("p");
    console.tick(Duration::from_secs(1));
    assert!(console.text().contains("paused · 1s old"), "{}", console.text());
}

#[test]
fn a_look_writes_the_cells_that_changed_and_nothing_where_none_did() {
    let mut console = looking(80, 24);
    let mut pen = Pen::new(80, 24);
    assert!(pen.draw(&console.state).len() > 500, "the whole screen");
    console.told(News::Looked(snapshot()));
    assert_eq!(pen.draw(&console.state), "", "the same sessions");
    let mut later = snapshot();
    let older = |age: &mut Option<Duration>| *age = age.map(|age| age + Duration::from_secs(2));
    for backend in &mut later.backends {
        [&mut backend.transaction, &mut backend.statement, &mut backend.since].into_iter().for_each(older);
    }
    console.told(News::Looked(later.clone()));
    let written = pen.draw(&console.state);
    assert!(written.contains('6') && written.len() < 250, "{} bytes: {written:?}", written.len());
    assert!(!written.contains("update") && !written.contains("app"), "{written:?}");
    // A session comes first: the selection goes along with its own.
    let before = console.selected();
    later
        .backends
        .push(Backend { transaction: Some(Duration::from_secs(9999)), ..backend(9, "app", "active", "vacuum") });
    console.told(News::Looked(later));
    assert_eq!(console.selected(), before);
    assert!(pen.draw(&console.state).len() < 2000);
}

#[test]
fn sessions_of_nearly_the_same_age_keep_their_order() {
    let mut console = looking(120, 40);
    console.keys("s");
    let pids = |console: &Console| -> Vec<i32> {
        let pane = console.state.activity.as_ref().expect("it is looked");
        let (snapshot, _) = pane.latest.as_ref().expect("looked");
        pane.rows().into_iter().map(|(at, _)| snapshot.backends[at].pid).collect()
    };
    // In whole seconds they are now apart and now the same.
    for passed in 0..30 {
        let age = |millis: u64| Some(Duration::from_millis(millis + 300 * passed));
        let backends = vec![
            Backend { transaction: age(10_000), ..backend(1, "app", "active", "a") },
            Backend { transaction: age(10_400), ..backend(2, "app", "active", "b") },
        ];
        console.told(News::Looked(Snapshot { backends, prepared: Vec::new() }));
        assert_eq!(pids(&console), [2, 1]);
    }
}

#[test]
fn cancel_and_terminate_ask_first_and_name_whom() {
    let mut console = looking(120, 40);
    console.keys("c");
    let pane = console.state.activity.as_ref().expect("it is looked");
    assert!(pane.question.is_none(), "nothing runs in 4711: {:?}", pane.said);
    console.keys("T");
    let question = console.state.activity.as_ref().and_then(|pane| pane.question.clone()).expect("a question");
    let words = question.lines.join("\n");
    for wanted in ["4711", "orders-prod", "app@shop", "update stock", "rolled back", "1 wait for it"] {
        assert!(words.contains(wanted), "{wanted} in {words}");
    }
    // Nothing but y means yes.
    console.keys("Enter Space T j c");
    assert_eq!(console.watched(), []);
    console.keys("n T y");
    let began = "2026-11-23 02:31:00".to_owned();
    assert_eq!(console.watched(), [Ask::Signal { pid: 4711, began, signal: Signal::Terminate }, Ask::Look]);
    console.told(News::Signalled(4711, Ok("session 4711 has ended".to_owned())));
    assert!(console.text().contains("session 4711 has ended"));
    let refused = Diagnosis::new(Kind::Sql, "oncall may not terminate session 4711")
        .advise_paste("Let it", "GRANT pg_signal_backend TO oncall;");
    console.told(News::Signalled(4711, Err(refused)));
    assert!(console.text().contains("may not terminate session 4711 · GRANT pg_signal_backend TO oncall"));
    console.keys("j c");
    assert!(console.state.activity.as_ref().is_some_and(|pane| pane.question.is_some()));
}

#[test]
fn what_is_listed_is_chosen_by_keys() {
    let mut console = looking(120, 40);
    let pids = |console: &Console| -> Vec<i32> {
        let pane = console.state.activity.as_ref().expect("it is looked");
        let (snapshot, _) = pane.latest.as_ref().expect("looked");
        pane.rows().into_iter().map(|(at, _)| snapshot.backends[at].pid).collect()
    };
    assert_eq!(pids(&console), [4711, 4712, 4713, 4000, 4500]);
    console.keys("a");
    assert_eq!(pids(&console), [4711, 4712, 4713, 4000]);
    console.keys("a o b s s s s s");
    assert_eq!(pids(&console), [12, 4000, 4500, 4711, 4712, 4713, 5000]);
    console.keys("o b t / Space");
    assert!(console.state.types(), "? and : are characters in a filter");
    console.keys("Backspace 4713 Enter");
    assert_eq!(pids(&console), [4711, 4712, 4713], "a tree has the way to its root, too");
    console.keys("t");
    assert_eq!(pids(&console), [4713], "a list has what fits alone");
    console.keys("t");
    console.keys("Esc + + - p");
    assert_eq!(pids(&console).len(), 5);
    let second = Some(Duration::from_secs(1));
    let two = Some(Duration::from_secs(2));
    assert_eq!(console.watched(), [Ask::Pace(second), Ask::Pace(second), Ask::Pace(two), Ask::Pace(None)]);
}

#[test]
fn a_loss_is_told_and_leaving_ends_the_look() {
    let mut console = looking(80, 24);
    let lost = Diagnosis::new(Kind::TunnelLost, "The tunnel was lost");
    console.told(News::Lost(lost, Duration::from_secs(4)));
    let text = console.text();
    assert!(text.contains("The tunnel was lost") && text.contains("what is shown is old"), "{text}");
    assert!(text.contains("4711"), "{text}");
    console.told(News::Looked(snapshot()));
    assert!(!console.text().contains("lost"));
    let id = console.state.activity.as_ref().expect("it is looked").id;
    console.keys("F10");
    assert_eq!(console.state.focus, Focus::Query);
    assert!(console.asked.iter().any(|(_, command)| matches!(command, Command::Stop(stopped) if *stopped == id)));
    // What it tells after that is nobody's.
    console.event(Event::Answer(id, Answer::Activity(News::Looked(snapshot()))));
    assert!(console.state.activity.is_none());
}
