//! One client, from its knock to its end: let in, logged in at the database, spliced; or told why not. It must not know
//! the other clients.

use super::Shared;
use super::complaint::Complaint;
use super::door::{Knock, Presence};
use super::greet::{Greeted, Turned, say};
use super::read_only;
use super::splice::splice;
use super::terms::Asked;
use super::unproven::Place;
use super::upstream::In;
use crate::access::audit::{Event, Subject};
use crate::access::refusal;
use crate::db::{self, Transport};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

/// So long a client may take to show that it may come in; a person who is asked for the secret connects anew with it.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// So long what was said to a client that is turned away may take to be taken.
const FAREWELL: Duration = Duration::from_secs(2);
/// What a client may send before it was told that it is in.
const EARLY: usize = 64 << 10;

/// Serves it. `place` is among those that have shown nothing.
pub(super) async fn serve(shared: &Shared, knock: Knock, place: Place) {
    let Knock { wire, presence, uid } = knock;
    let stranger = uid.is_some_and(|uid| uid != rustix::process::geteuid().as_raw());
    let greeted = tokio::time::timeout(HANDSHAKE, shared.guard.greet(wire, stranger)).await;
    match greeted {
        Ok(Ok(Greeted::Client(wire, asked))) => {
            drop(place);
            Box::pin(admit(shared, wire, asked, &presence)).await;
        }
        Ok(Ok(Greeted::Cancel { mut wire, pid, secret })) => {
            drop(place);
            cancel(shared, pid, &secret).await;
            // The end of the wire tells that it was done.
            let _ = wire.shutdown().await;
        }
        Ok(Err(Turned::Away(wire, complaint))) => {
            shared.figures.refuse(&complaint.message);
            turn_away(wire, &complaint).await;
        }
        Ok(Err(Turned::Left)) => {}
        Err(_) => shared.figures.refuse("a connection showed nothing within 30 s"),
    }
}

/// Says why, and gives it time to arrive.
async fn turn_away(mut wire: Box<dyn Transport>, complaint: &Complaint) {
    let said = async {
        say(&mut wire, &complaint.encode()).await?;
        wire.shutdown().await?;
        // Closing with unread bytes would reset the connection, and what was said be lost.
        let mut rest = [0; 1024];
        while wire.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    let _ = tokio::time::timeout(FAREWELL, said).await;
}

/// Logs in for a client that may come in, and stays between them.
async fn admit(shared: &Shared, mut wire: Box<dyn Transport>, asked: Asked, presence: &Presence) {
    let begun = Instant::now();
    let admitted = match shared.terms.admit(&asked) {
        Ok(admitted) => admitted,
        Err(complaint) => {
            shared.figures.refuse(&complaint.message);
            return turn_away(wire, &complaint).await;
        }
    };
    let mut early = Vec::new();
    let logging_in = shared.upstream.log_in(&admitted);
    let (answer, subject) = tokio::select! {
        answer = logging_in => answer,
        () = until_gone(&mut wire, &mut early, presence) => return,
    };
    let In { logged_in, line } = match answer {
        Ok(is_in) => is_in,
        Err(diagnosis) => {
            shared.note(&subject, &Event::Connect, &refusal::outcome(&diagnosis), Some(begun));
            shared.trouble(&diagnosis);
            return turn_away(wire, &Complaint::of(&diagnosis)).await;
        }
    };
    shared.note(&subject, &Event::Connect, "ok", Some(begun));
    let _counted = shared.figures.enter();
    let given = shared.cancels.give(line.clone(), logged_in.key.clone(), asked.key_length(), subject.clone());
    let greeting = logged_in.greeting(given.key());
    let db::LoggedIn { stream: mut database, parameters, .. } = logged_in;
    let mut stay = Stay { shared, subject: &subject, begun: Instant::now(), outcome: None };
    let spliced = async {
        say(&mut wire, &greeting).await?;
        if shared.terms.read_only {
            let around = (presence, &shared.figures);
            return Box::pin(read_only::splice::splice(wire, &early, database, &parameters, around)).await;
        }
        database.write_all(&early).await?;
        database.flush().await?;
        shared.figures.sent.fetch_add(early.len() as u64, Ordering::Relaxed);
        splice(wire, database, presence, &shared.figures).await
    };
    let ended = spliced.await;
    stay.outcome = Some(match ended {
        Ok(()) => "ok".to_owned(),
        Err(error) => {
            let why = line.ended().map_or_else(|| format!("the connection was lost: {error}"), |ended| ended.title);
            shared.figures.trouble(&why);
            why
        }
    });
}

/// From the end of the login on: however it ends, the audit has its end.
struct Stay<'a> {
    shared: &'a Shared,
    subject: &'a Subject,
    begun: Instant,
    /// None while it goes on.
    outcome: Option<String>,
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        let outcome = self.outcome.as_deref().unwrap_or("the listener was closed");
        self.shared.note(self.subject, &Event::Disconnect, outcome, Some(self.begun));
    }
}

/// Resolves when the client leaves. What it sends meanwhile is kept; more than a little of it is waited with. One that has
/// said its last waits for the answers all the same.
async fn until_gone(wire: &mut Box<dyn Transport>, early: &mut Vec<u8>, presence: &Presence) {
    while early.len() < EARLY {
        match wire.read_buf(early).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => return,
        }
    }
    presence.gone().await;
}

/// CancelRequest on a second wire of the same line. Whose key nobody has is not answered, as servers do it.
async fn cancel(shared: &Shared, pid: i32, secret: &[u8]) {
    let Some(cancelled) = shared.cancels.find(pid, secret) else {
        return shared.figures.trouble("a cancel request with a key that nobody has");
    };
    let access = &shared.upstream.access;
    let limit = access.settings().connect_timeout;
    let begun = Instant::now();
    let line = &cancelled.line;
    let asked = tokio::time::timeout(limit, async {
        let (wire, _) = match line.open(limit).await {
            Ok(opened) => opened,
            Err(unopened) => return Err(refusal::of_open(access, unopened, line, begun.elapsed()).await),
        };
        let asked =
            async { db::secure(wire, &line.endpoint().host, &access.inner.roots).await?.cancel(&cancelled.key).await };
        match asked.await {
            Ok(()) => Ok(()),
            Err(error) => Err(refusal::of_cancel(access, error, line).await),
        }
    });
    let outcome = match asked.await {
        Ok(Ok(())) => "ok".to_owned(),
        Ok(Err(diagnosis)) => {
            shared.trouble(&diagnosis);
            refusal::outcome(&diagnosis)
        }
        Err(_) => format!("no answer within {limit:?}"),
    };
    shared.note(&cancelled.subject, &Event::Cancel, &outcome, Some(begun));
}
