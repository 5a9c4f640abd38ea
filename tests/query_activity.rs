//! Looking at a real server's sessions: a chain of three that block one another, cancel and terminate looked after, a role
//! that may not, and a connection that is lost and made again.

#[path = "support/world.rs"]
mod world;

use gatepost::access::Session;
use gatepost::access::activity::{Ask, News};
use gatepost::model::activity::{Backend, Signal, Snapshot, chains};
use gatepost::model::{Auth, Endpoint, RouteChoice, Secret};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use world::{World, value, wish};

const LONG: Duration = Duration::from_secs(120);

/// One that looks, as the console runs it.
struct Looking {
    asks: UnboundedSender<Ask>,
    news: UnboundedReceiver<News>,
    ended: JoinHandle<()>,
}

impl Looking {
    fn new(world: &World, endpoint: &Endpoint, user: &str, password: Option<&str>) -> Looking {
        let mut wish = wish(endpoint, user);
        if let Some(password) = password {
            wish.auth = Auth::Password(Secret::new(password.to_owned()));
            wish.route = RouteChoice::Direct;
        }
        let access = world.access.clone();
        let (asks, waiting) = unbounded_channel();
        let (tell, news) = unbounded_channel();
        let ended = tokio::spawn(async move {
            let pace = Some(Duration::from_millis(100));
            access.activity(&wish, pace, waiting, move |told| drop(tell.send(told))).await;
        });
        Looking { asks, news, ended }
    }

    async fn next(&mut self) -> News {
        timeout(LONG, self.news.recv()).await.expect("it tells in time").expect("it tells")
    }

    /// Looks until it is so.
    async fn until(&mut self, what: &str, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let mut last = String::new();
        let looked = timeout(LONG, async {
            loop {
                match self.news.recv().await.expect("it tells") {
                    News::Looked(snapshot) if is(&snapshot) => return snapshot,
                    other => last = format!("{other:?}"),
                }
            }
        });
        looked.await.unwrap_or_else(|_| panic!("{what} was not seen; last: {last}"))
    }

    async fn signal(&mut self, backend: &Backend, signal: Signal) -> Result<String, gatepost::model::Diagnosis> {
        let ask = Ask::Signal { pid: backend.pid, began: backend.began.clone(), signal };
        self.asks.send(ask).expect("it listens");
        loop {
            match self.next().await {
                News::Signalled(pid, outcome) => {
                    assert_eq!(pid, backend.pid);
                    return outcome;
                }
                News::Looked(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn end(self) {
        drop(self.asks);
        timeout(LONG, self.ended).await.expect("it ends in time").expect("it ends well");
    }
}

fn of(snapshot: &Snapshot, pid: i32) -> Option<&Backend> {
    snapshot.backends.iter().find(|backend| backend.pid == pid)
}

async fn session(world: &World, endpoint: &Endpoint) -> (Session, i32) {
    let session = world.access.connect(&wish(endpoint, "oncall"), None).await.expect("a session");
    let pid = session.facts().pid;
    (session, pid)
}

/// Runs a statement that may wait; what came of it is told at its end.
fn run(mut session: Session, statement: &'static str) -> JoinHandle<(Session, Result<(), String>)> {
    tokio::spawn(async move {
        let outcome = world::rows(&mut session, statement).await.map(|_| ()).map_err(|diagnosis| diagnosis.title);
        (session, outcome)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_locks_is_seen_and_ended() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let (mut first, a) = session(&world, &endpoint).await;
    value(&mut first, "create table chain (n int primary key); insert into chain values (1), (2); select 1").await;
    value(&mut first, "begin; update chain set n = n + 10 where n = 1; select 1").await;
    let (mut second, b) = session(&world, &endpoint).await;
    value(&mut second, "begin; update chain set n = n + 20 where n = 2; select 1").await;
    let second = run(second, "update chain set n = n + 20 where n = 1");
    let (third, c) = session(&world, &endpoint).await;

    let mut looking = Looking::new(&world, &endpoint, "oncall", None);
    looking.until("b waiting for a", |now| of(now, b).is_some_and(|backend| backend.blocked_by == [a])).await;
    let third = run(third, "update chain set n = n + 30 where n = 2");
    let now = looking.until("c waiting for b", |now| of(now, c).is_some_and(|backend| backend.blocked_by == [b])).await;

    // The tree has a above b above c, before everybody else.
    let tree: Vec<(i32, usize)> =
        chains(&now.backends).into_iter().map(|(at, depth)| (now.backends[at].pid, depth)).take(3).collect();
    assert_eq!(tree, [(a, 0), (b, 1), (c, 2)]);
    let root = of(&now, a).expect("a is there");
    assert!(root.is_idle_in_transaction() && root.transaction.is_some() && !root.own, "{root:?}");
    let waiting = of(&now, b).expect("b is there");
    assert!(waiting.is_active() && waiting.wait.starts_with("Lock:"), "{waiting:?}");
    assert!(waiting.query.starts_with("update chain"), "{waiting:?}");
    let own: Vec<&Backend> = now.backends.iter().filter(|backend| backend.own).collect();
    assert_eq!(own.len(), 1);
    assert!(own[0].application.starts_with("gatepost activity ("), "{:?}", own[0]);

    // One of them closely: its statement, what it holds and waits for.
    looking.asks.send(Ask::Detail { pid: c, began: of(&now, c).expect("c").began.clone() }).expect("it listens");
    let detail = loop {
        if let News::Detail(pid, detail) = looking.next().await {
            assert_eq!(pid, c);
            break detail.expect("c is there");
        }
    };
    assert_eq!(detail.query, "update chain set n = n + 30 where n = 2");
    assert!(!detail.locks[0].granted, "what it waits for comes first: {:?}", detail.locks);
    assert!(detail.locks.iter().any(|lock| lock.granted && lock.object == "chain"), "{:?}", detail.locks);

    // Cancel ends the statement, and it is seen that it did; c may go on then.
    let waiting = of(&now, b).expect("b").clone();
    let said = looking.signal(&waiting, Signal::Cancel).await.expect("cancelled");
    assert_eq!(said, format!("the statement of session {b} was cancelled"));
    let (second, outcome) = timeout(LONG, second).await.expect("in time").expect("it ran");
    assert!(outcome.expect_err("it was cancelled").contains("cancel"));
    let (third, outcome) = timeout(LONG, third).await.expect("in time").expect("it ran");
    assert_eq!(outcome, Ok(()));
    let said = looking.signal(&waiting, Signal::Cancel).await.expect("told");
    assert_eq!(said, format!("session {b} runs no statement any more; nothing was cancelled"));

    // Terminate ends the session, and its transaction with it.
    let root = of(&now, a).expect("a").clone();
    let said = looking.signal(&root, Signal::Terminate).await.expect("terminated");
    assert_eq!(said, format!("session {a} has ended"));
    looking.until("a gone", |now| of(now, a).is_none()).await;
    let said = looking.signal(&root, Signal::Terminate).await.expect("told");
    assert_eq!(said, format!("session {a} had ended already"));
    looking.asks.send(Ask::Detail { pid: a, began: root.began.clone() }).expect("it listens");
    loop {
        if let News::Detail(_, detail) = looking.next().await {
            assert_eq!(detail, None);
            break;
        }
    }
    looking.end().await;

    // Whoever left has left the server too, and the audit has the signals but not every look.
    let mut again = Looking::new(&world, &endpoint, "oncall", None);
    again
        .until("only the new look", |now| {
            now.backends.iter().filter(|backend| backend.application.starts_with("gatepost activity")).count() == 1
        })
        .await;
    again.end().await;
    let audit = serde_json::to_string(&world.audit()).expect("it can be written");
    assert!(audit.contains("pg_terminate_backend") && !audit.contains("pg_blocking_pids"), "{audit}");
    for session in [first, second, third] {
        session.close().await;
    }
}
