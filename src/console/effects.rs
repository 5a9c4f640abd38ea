//! Performs commands on tasks of their own, so that the screen never waits for the network or a disk; what comes of each
//! goes back as an answer with the command's id. The live things (sessions, forwarded ports) live here and below, never
//! in the state. It must not know what the answers are for.

use super::event::{Answer, Command, Event, Id, TabId};
use super::query::journal::Journal;
use super::query::{Ask, Shelved, Shelving, at_home, worker};
use super::request::writes_to_production;
use crate::access::handoff::{Lead, Raw, raw};
use crate::access::listener::{Papers, new_secret, write_paper};
use crate::access::saved::Shelf;
use crate::access::{Access, Door, Listener, ListenerWish, Wish, activity, doctor};
use crate::model::{Auth, Diagnosis, Endpoint, IamProgress, Kind, ListenerSettings, PolicyWish, RouteChoice, Step};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long sessions and ports may take to end politely before AWS is told to end what is left.
const POLITE: Duration = Duration::from_secs(3);

/// A task and the way to end it.
struct Task {
    handle: JoinHandle<()>,
    /// For what must be closed rather than dropped; others are aborted.
    stop: Option<oneshot::Sender<()>>,
}

/// The worker of a query tab.
struct Worker {
    /// The question that made it.
    id: Id,
    asks: UnboundedSender<Ask>,
    ended: JoinHandle<()>,
}

/// Workers by tab, shared with the tasks that make them.
type Workers = Arc<Mutex<HashMap<TabId, Worker>>>;

/// History and saved queries, on a disk.
fn shelve(access: &Access, endpoint: &Endpoint, shelving: Shelving) -> Result<Shelved, Diagnosis> {
    let state = &access.settings().state_dir;
    let shelf = Shelf::new(state, endpoint);
    match shelving {
        Shelving::List => shelf.list().map(Shelved::List),
        Shelving::Save(saved, before) => {
            shelf.save(&saved, before.as_ref())?;
            Ok(Shelved::Saved(saved, shelf.list()?))
        }
        Shelving::Delete(saved) => {
            shelf.delete(&saved)?;
            shelf.list().map(Shelved::List)
        }
        Shelving::Everywhere => Journal::everywhere(state).map(|all| Shelved::Everywhere(all.into())),
        Shelving::Forget(text) => {
            Journal::of(state, endpoint).forget(&text)?;
            Ok(Shelved::Forgotten(text))
        }
    }
}

/// Performs commands.
pub struct Effects {
    access: Access,
    tell: UnboundedSender<Event>,
    tasks: HashMap<Id, Task>,
    workers: Workers,
    /// For those that look at a server, by the question that made them.
    watches: HashMap<Id, UnboundedSender<activity::Ask>>,
    /// What was told to end and may not have done so yet.
    leaving: Vec<JoinHandle<()>>,
}

/// Tells of a task's panic: the terminal was given back by then, so the program must end.
struct Watch(UnboundedSender<Event>);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nobody to tell means the program is ending already.
            let _ = self.0.send(Event::Terminate);
        }
    }
}

impl Effects {
    /// Performs by `access`, answers by `tell`.
    pub fn new(access: Access, tell: UnboundedSender<Event>) -> Effects {
        Effects {
            access,
            tell,
            tasks: HashMap::new(),
            workers: Workers::default(),
            watches: HashMap::new(),
            leaving: Vec::new(),
        }
    }

    /// Performs one command; those about the terminal are the loop's.
    pub fn perform(&mut self, id: Id, command: Command) {
        self.tasks.retain(|_, task| !task.handle.is_finished());
        self.leaving.retain(|handle| !handle.is_finished());
        let access = self.access.clone();
        match command {
            Command::Places => self.ask(id, async move { access.places().await.map(Answer::Places) }),
            Command::Profiles => self.ask(id, async move { Ok(Answer::Profiles(access.profiles().await)) }),
            Command::Identity(place) => {
                self.ask(id, async move { access.identity(&place).await.map(Answer::Identity) })
            }
            Command::Inventory(place) => {
                self.ask(id, async move { access.inventory(&place).await.map(Answer::Inventory) });
            }
            Command::Bastions(endpoint) => {
                self.ask(id, async move { access.bastions(&endpoint).await.map(Answer::Bastions) });
            }
            // What was remembered is on a disk.
            Command::Recall(endpoint) => self.ask_disk(id, move || {
                let remembered = access.remembered(&endpoint);
                let user = remembered.user.clone().or_else(|| access.settings().user.clone());
                Ok(Answer::Recalled(remembered, user))
            }),
            Command::Policy(endpoint, user) => {
                self.ask_disk(id, move || {
                    access.policy(&endpoint, &PolicyWish { user, ..PolicyWish::default() }).map(Answer::Policy)
                });
            }
            Command::Token(endpoint, user) => self
                .ask(id, async move { access.token(&endpoint, &user).await.map(|token| Answer::Token(token.secret)) }),
            Command::Names(wish) => {
                self.ask(id, async move { access.catalogue(&wish).await.map(|names| Answer::Names(Arc::new(names))) })
            }
            Command::Explore(tab, wish, question) => {
                let tell = self.tell.clone();
                self.spawn(id, None, async move {
                    let found = access.explore(&wish, &question).await;
                    let _ = tell.send(Event::Explored(tab, question, found));
                });
            }
            Command::Shelf(tab, endpoint, shelving) => {
                let (tell, watch) = (self.tell.clone(), Watch(self.tell.clone()));
                let handle = tokio::task::spawn_blocking(move || {
                    let _watch = watch;
                    let shelved = shelve(&access, &endpoint, shelving);
                    let _ = tell.send(Event::Shelved(tab, shelved));
                });
                self.tasks.insert(id, Task { handle, stop: None });
            }
            Command::Lines => {
                self.ask_disk(id, move || Ok(Answer::Lines(access.lines(), access.listeners(), access.forwards())))
            }
            Command::Listen(plan, endpoint, auth) => self.listen(id, plan, endpoint, auth),
            Command::HandOver(files, text) => self.ask_disk(id, move || {
                files.iter().try_for_each(|(path, text)| write_paper(path, text))?;
                Ok(Answer::HandedOver(text))
            }),
            Command::Raw(endpoint, port, user) => {
                self.ask_disk(id, move || Ok(Answer::Words(through_port(&access, &endpoint, port, &user))));
            }
            Command::IamProgress(plan) => {
                self.ask(id, async move { access.iam_progress(&plan).await.map(Answer::IamProgress) });
            }
            Command::EnableIam(plan, when) => {
                let tell = self.tell.clone();
                self.ask(id, async move {
                    access.enable_iam(&plan, when).await?;
                    let told = |progress: &IamProgress| {
                        let _ = tell.send(Event::Answer(id, Answer::IamProgress(progress.clone())));
                    };
                    access.follow_iam(&plan, when, told).await.map(Answer::IamEnded)
                });
            }
            Command::Connect(tab, wish) => self.connect(id, tab, wish),
            Command::Doctor(wish) => self.doctor(id, wish),
            Command::Activity(wish, pace) => self.activity(id, wish, pace),
            Command::Watch(watch, ask) => {
                if let Some(asks) = self.watches.get(&watch) {
                    // One that has ended was stopped; nobody waits for its answer.
                    let _ = asks.send(ask);
                }
            }
            Command::Forward(endpoint, route) => self.forward(id, endpoint, route),
            Command::Query(tab, ask) => {
                let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
                let closes = ask == Ask::Close;
                if let Some(worker) = workers.get(&tab) {
                    // A worker that has ended has said so; nothing is lost with the ask.
                    let _ = worker.asks.send(ask);
                }
                if closes && let Some(worker) = workers.remove(&tab) {
                    self.leaving.push(worker.ended);
                }
            }
            Command::Stop(stopped) => self.stop(stopped),
            Command::Copy(_) | Command::Compose(..) | Command::Suspend | Command::Redraw | Command::Quit => {}
        }
    }

    fn spawn(&mut self, id: Id, stop: Option<oneshot::Sender<()>>, work: impl Future<Output = ()> + Send + 'static) {
        let watch = Watch(self.tell.clone());
        let handle = tokio::spawn(async move {
            let _watch = watch;
            work.await;
        });
        self.tasks.insert(id, Task { handle, stop });
    }

    fn ask(&mut self, id: Id, question: impl Future<Output = Result<Answer, Diagnosis>> + Send + 'static) {
        let tell = self.tell.clone();
        self.spawn(id, None, async move {
            let answer = question.await.unwrap_or_else(Answer::Failed);
            let _ = tell.send(Event::Answer(id, answer));
        });
    }

    /// As [`Effects::ask`], for what may touch a disk.
    fn ask_disk(&mut self, id: Id, question: impl FnOnce() -> Result<Answer, Diagnosis> + Send + 'static) {
        let (tell, watch) = (self.tell.clone(), Watch(self.tell.clone()));
        let handle = tokio::task::spawn_blocking(move || {
            let _watch = watch;
            let _ = tell.send(Event::Answer(id, question().unwrap_or_else(Answer::Failed)));
        });
        self.tasks.insert(id, Task { handle, stop: None });
    }

    fn connect(&mut self, id: Id, tab: TabId, wish: Box<Wish>) {
        let (access, tell, workers) = (self.access.clone(), self.tell.clone(), self.workers.clone());
        self.spawn(id, None, async move {
            let (steps, told) = unbounded_channel();
            let session = match with_news(id, &tell, Answer::Step, access.connect(&wish, Some(steps)), told).await {
                Ok(session) => session,
                Err(diagnosis) => {
                    let _ = tell.send(Event::Answer(id, Answer::Failed(diagnosis)));
                    return;
                }
            };
            let (facts, database) = (session.facts(), session.target().database.clone());
            let news = tell.clone();
            let news: worker::Tell = Arc::new(move |told| {
                let _ = news.send(Event::Query(tab, told));
            });
            // Answered before the worker begins, so that the tab is there when the first news come.
            let _ = tell.send(Event::Answer(id, Answer::Connected(database, Box::new(facts))));
            let (asks, handle) = worker::start(session, access.settings(), news);
            let ended = tokio::spawn(async move {
                if handle.await.is_err_and(|error| error.is_panic()) {
                    let _ = tell.send(Event::Terminate);
                }
            });
            workers.lock().unwrap_or_else(PoisonError::into_inner).insert(tab, Worker { id, asks, ended });
        });
    }

    /// Dropped when it is stopped: what it has opened ends then.
    fn doctor(&mut self, id: Id, wish: Box<doctor::Wish>) {
        let (access, tell) = (self.access.clone(), self.tell.clone());
        self.spawn(id, None, async move {
            let (news, told) = unbounded_channel();
            let report = with_news(id, &tell, Answer::Doctor, access.doctor(&wish, Some(news)), told).await;
            let _ = tell.send(Event::Answer(id, Answer::Examined(Box::new(report))));
        });
    }

    fn forward(&mut self, id: Id, endpoint: Box<Endpoint>, route: RouteChoice) {
        let (access, tell) = (self.access.clone(), self.tell.clone());
        let (stop, mut stopped) = oneshot::channel();
        self.spawn(id, Some(stop), async move {
            let (steps, told) = unbounded_channel();
            let opening = with_news(id, &tell, Answer::Step, access.forward(&endpoint, &route, 0, Some(steps)), told);
            let mut forward = tokio::select! {
                forward = opening => match forward {
                    Ok(forward) => forward,
                    Err(diagnosis) => {
                        let _ = tell.send(Event::Answer(id, Answer::Failed(diagnosis)));
                        return;
                    }
                },
                _ = &mut stopped => return,
            };
            let _ = tell.send(Event::Answer(id, Answer::Forwarded(forward.port())));
            let (news, mut heard) = unbounded_channel();
            forward.tell(news);
            loop {
                tokio::select! {
                    diagnosis = forward.serve() => {
                        let _ = tell.send(Event::Answer(id, Answer::Failed(diagnosis)));
                        break;
                    }
                    Some(news) = heard.recv() => {
                        let _ = tell.send(Event::Answer(id, Answer::ForwardNews(news)));
                    }
                    _ = &mut stopped => break,
                }
            }
            forward.close().await;
        });
    }

    /// Opens a listener and its way, and tells who is turned away, until stopped.
    fn listen(&mut self, id: Id, plan: Box<ListenerSettings>, endpoint: Option<Box<Endpoint>>, auth: Auth) {
        let (access, tell) = (self.access.clone(), self.tell.clone());
        let (stop, mut stopped) = oneshot::channel();
        self.spawn(id, Some(stop), async move {
            let (steps, told) = unbounded_channel();
            let opening = with_news(id, &tell, Answer::Step, opened(&access, &plan, endpoint, auth, steps), told);
            let opened = tokio::select! {
                opened = Box::pin(opening) => opened,
                _ = &mut stopped => return,
            };
            let (listener, lead, _papers) = match opened {
                Ok(Opened::Listening(listener, lead, papers)) => (listener, lead, papers),
                Ok(Opened::Unconsented(endpoint, auth)) => {
                    let _ = tell.send(Event::Answer(id, Answer::Unconsented(endpoint, auth)));
                    return;
                }
                Err(diagnosis) => {
                    let _ = tell.send(Event::Answer(id, Answer::Failed(diagnosis)));
                    return;
                }
            };
            let (news, mut heard) = unbounded_channel();
            listener.tell(news);
            let _ = tell.send(Event::Answer(id, Answer::Listening(lead)));
            loop {
                tokio::select! {
                    Some(diagnosis) = heard.recv() => {
                        let _ = tell.send(Event::Answer(id, Answer::TurnedAway(diagnosis)));
                    }
                    _ = &mut stopped => break,
                }
            }
            listener.close().await;
        });
    }

    /// Looks at a server until stopped; its session is closed then, so it is not aborted.
    fn activity(&mut self, id: Id, wish: Box<Wish>, pace: Duration) {
        let (access, tell) = (self.access.clone(), self.tell.clone());
        let (asks, waiting) = unbounded_channel();
        self.watches.insert(id, asks);
        let (stop, _ended_by_its_asks) = oneshot::channel();
        self.spawn(id, Some(stop), async move {
            let tell = move |news| drop(tell.send(Event::Answer(id, Answer::Activity(news))));
            access.activity(&wish, Some(pace), waiting, tell).await;
        });
    }

    fn stop(&mut self, id: Id) {
        self.watches.remove(&id);
        if let Some(task) = self.tasks.remove(&id) {
            match task.stop {
                Some(stop) => {
                    let _ = stop.send(());
                }
                None => task.handle.abort(),
            }
            // Also what was aborted is gone only once it is: a way to a database may hold a session at AWS until then. And
            // it may have been on its last step, so what it made is looked for afterwards.
            let workers = Arc::clone(&self.workers);
            self.leaving.push(tokio::spawn(async move {
                let _ = task.handle.await;
                if let Some(worker) = made_by(&workers, id) {
                    let Worker { asks, ended, .. } = worker;
                    drop(asks);
                    let _ = ended.await;
                }
            }));
        }
        if let Some(worker) = made_by(&self.workers, id) {
            // Its asks are dropped with it, which ends the session.
            self.leaving.push(worker.ended);
        }
    }

    /// Ends everything: sessions and ports politely for a moment, then all that is left at AWS.
    pub async fn close(mut self) {
        let ids: Vec<Id> = self.tasks.keys().copied().collect();
        for id in ids {
            self.stop(id);
        }
        let workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers.into_values() {
            let _ = worker.asks.send(Ask::Cancel);
            let _ = worker.asks.send(Ask::Close);
            self.leaving.push(worker.ended);
        }
        let politely = async {
            for handle in self.leaving {
                // Whether it ended well no longer matters.
                let _ = handle.await;
            }
        };
        let _ = tokio::time::timeout(POLITE, politely).await;
        self.access.close().await;
    }
}

/// What came of opening a listener.
enum Opened {
    /// It is open; its papers go with it.
    Listening(Listener, Box<Lead>, Papers),
    /// Its clients could write to production, and nobody was asked.
    Unconsented(Box<Endpoint>, Auth),
}

/// The listener with its papers, and the way to the database walked.
async fn opened(
    access: &Access,
    plan: &ListenerSettings,
    endpoint: Option<Box<Endpoint>>,
    auth: Auth,
    steps: UnboundedSender<Step>,
) -> Result<Opened, Diagnosis> {
    let endpoint = match endpoint {
        // Whoever named it there was asked.
        Some(endpoint) => *endpoint,
        None => {
            let endpoint = access.find(&plan.target).await?.endpoint;
            if writes_to_production(access.settings(), plan, &endpoint) {
                return Ok(Opened::Unconsented(Box::new(endpoint), auth));
            }
            endpoint
        }
    };
    let users = match (plan.users.is_empty(), &auth) {
        (false, _) => plan.users.clone(),
        (true, Auth::SecretsManager(_)) => vec![access.secret_user(&endpoint, &auth).await?],
        (true, auth) => access.default_user(&endpoint, auth).into_iter().collect(),
    };
    let papers = Papers::new(access.settings())?;
    let door = match plan.socket.as_deref() {
        Some(folder) => {
            // Where none was named, it has its own.
            let folder = if folder.as_os_str().is_empty() { papers.folder() } else { &at_home(folder) };
            let folder = std::path::absolute(folder)
                .map_err(|error| Diagnosis::new(Kind::Usage, "A socket needs a folder").because(error.to_string()))?;
            Door::Socket { folder, port: plan.port.unwrap_or(5432) }
        }
        None => Door::Port(plan.port.unwrap_or(0)),
    };
    let wish = ListenerWish {
        name: plan.name.clone(),
        endpoint,
        route: plan.via.as_deref().map(RouteChoice::parse).unwrap_or_default(),
        // A socket looks at whose process it is instead.
        secret: (matches!(door, Door::Port(_)) && !plan.no_secret).then(new_secret),
        door,
        users,
        databases: plan.databases.clone(),
        database_told: false,
        auth,
        read_only: plan.read_only,
        tls: plan.tls,
    };
    let (listener, lead) = access.hand(wish, None, &papers).await?;
    listener.reach(Some(steps)).await?;
    Ok(Opened::Listening(listener, Box::new(lead), papers))
}

/// The command that goes through a forwarded port, for whom it was opened with: this account and region.
fn through_port(access: &Access, endpoint: &Endpoint, port: u16, user: &str) -> String {
    let profile = endpoint.place.profile.iter().flat_map(|profile| ["--profile".to_owned(), profile.clone()]);
    let given: Vec<String> = profile.chain(["--region".to_owned(), endpoint.place.region.clone()]).collect();
    // Where the authorities cannot be written, psql looks for those of its user.
    let roots = access.roots_file().ok();
    raw(&Raw { endpoint, port, user, name: &endpoint.host, given: &given, roots: roots.as_deref() })
}

/// Takes the worker that a question made.
fn made_by(workers: &Workers, id: Id) -> Option<Worker> {
    let mut workers = workers.lock().unwrap_or_else(PoisonError::into_inner);
    let made = workers.iter().find(|(_, worker)| worker.id == id).map(|(tab, _)| *tab);
    made.and_then(|tab| workers.remove(&tab))
}

/// Waits for `work` while its news are told as answers.
async fn with_news<T, N>(
    id: Id,
    tell: &UnboundedSender<Event>,
    answer: impl Fn(N) -> Answer,
    work: impl Future<Output = T>,
    mut news: UnboundedReceiver<N>,
) -> T {
    let say = |one| {
        let _ = tell.send(Event::Answer(id, answer(one)));
    };
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            Some(one) = news.recv() => say(one),
            done = &mut work => {
                while let Ok(one) = news.try_recv() {
                    say(one);
                }
                return done;
            }
        }
    }
}
