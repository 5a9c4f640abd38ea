//! The console: one owner of state; `Event` in, `Command` out; the view is a function of the state.
//!
//! * [`event`]: what comes in, what goes out; [`state`]: what is known; [`update`]: what happens next; [`mod@view`]: what it
//!   looks like; [`layout`]: where. All of these are pure.
//! * [`effects`]: performs commands by `access`; [`terminal`]: the terminal, and giving it back; `compose`: an editor of
//!   one's own, which gets it for a while.
//! * [`panes`], [`query`]: the screens; [`overlay`]: what lies over them; [`widgets`]: what they are made of; [`keys`],
//!   [`theme`]: keys and tones as data.
//!
//! It must not know how AWS, a tunnel or a database is spoken to.

mod changing;
mod compose;
pub mod effects;
pub mod event;
mod examining;
pub mod keys;
pub mod layout;
mod names;
pub mod overlay;
mod painter;
pub mod panes;
pub mod query;
pub mod request;
pub mod state;
pub mod tabs;
pub mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod update;
pub mod view;
mod watching;
pub mod widgets;

use crate::access::Access;
use crate::model::{Diagnosis, Kind, Secret, Wanted};
use crossterm::event::{Event as TerminalEvent, EventStream, MouseEventKind};
use effects::Effects;
use event::{Command, Event, Id, TabId};
use futures_util::StreamExt;
use ratatui::layout::Size;
use state::State;
use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};
use terminal::Screen;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Answers that pour in are drawn at most this often; a key is drawn at once.
const FRAME: Duration = Duration::from_millis(16);
/// So many events are heard before one frame is drawn, however many wait.
const BATCH: usize = 512;
/// After this time of closing, a line says what is waited for.
const PATIENCE: Duration = Duration::from_millis(400);

/// Where to begin.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// A target to connect to as soon as it is listed.
    pub target: Option<Wanted>,
}

/// Runs the console until it is left. The terminal is given back whatever happens; every session is ended at AWS before
/// this returns.
pub async fn run(access: Access, start: Start) -> Result<(), Diagnosis> {
    let (tell, told) = unbounded_channel();
    let settings = access.settings().clone();
    let mut signals = Signals::new()?;
    let screen = Screen::take()?;
    let mut effects = Effects::new(access, tell);
    let ended = {
        let mut screen = screen;
        turn(&mut screen, &mut effects, told, &mut signals, settings, start).await
        // The terminal is given back here, before anything is waited for.
    };
    let closing = effects.close();
    tokio::pin!(closing);
    if tokio::time::timeout(PATIENCE, &mut closing).await.is_err() {
        eprintln!("gatepost: ending sessions at AWS …");
        tokio::select! {
            () = &mut closing => {}
            _ = signals.next() => eprintln!("gatepost: left before AWS confirmed; idle sessions end by themselves"),
        }
    }
    if terminal::panicked() {
        return Err(Diagnosis::new(
            Kind::Local,
            "gatepost has failed: this is a bug, please report what is said above",
        ));
    }
    ended
}

/// The loop: hear everything that waits, draw once, wait.
async fn turn(
    screen: &mut Screen,
    effects: &mut Effects,
    mut told: UnboundedReceiver<Event>,
    signals: &mut Signals,
    settings: crate::model::Settings,
    start: Start,
) -> Result<(), Diagnosis> {
    let editor = settings.editor.clone();
    let mut state = State::new(settings, screen.size()?, SystemTime::now());
    // The first frame comes before anything is asked of AWS.
    screen.draw(|frame| view::view(&state, frame))?;
    let mut drawn = Instant::now();
    let commands = update::start(&mut state, start.target);
    carry_out(commands, screen, effects)?;
    let mut keys = Keys::listen();
    let mut ended_by = None;
    let (mut dirty, mut urgent) = (true, true);
    while !state.quitting {
        if dirty && (urgent || drawn.elapsed() >= FRAME) {
            screen.draw(|frame| view::view(&state, frame))?;
            drawn = Instant::now();
            (dirty, urgent) = (false, false);
        }
        let wake = match (dirty, state.next_tick()) {
            (true, _) => Some(FRAME.saturating_sub(drawn.elapsed())),
            // A time that has passed already must not make the loop spin.
            (false, Some(at)) => Some(at.duration_since(SystemTime::now()).unwrap_or_default().max(FRAME)),
            (false, None) => None,
        };
        let first = tokio::select! {
            biased;
            name = signals.next() => {
                ended_by = Some(name);
                Some(Event::Terminate)
            }
            key = keys.told.recv() => Some(key.unwrap_or(Event::Terminate)),
            event = told.recv() => event,
            () = sleep(wake) => None,
        };
        urgent |= matches!(first, Some(Event::Key(_) | Event::Paste(_) | Event::Mouse(_) | Event::Resize(_)));
        let mut events = vec![Event::Tick(SystemTime::now())];
        events.extend(first);
        for _ in 0..BATCH {
            if let Ok(key) = keys.told.try_recv() {
                urgent = true;
                events.push(key);
            } else if let Ok(event) = told.try_recv() {
                events.push(event);
            } else {
                break;
            }
        }
        let mut events = VecDeque::from(events);
        while let Some(event) = events.pop_front() {
            let commands = update::update(&mut state, event);
            for (tab, text) in carry_out(commands, screen, effects)? {
                // Nobody else may read the terminal now, or keys meant for the editor would be lost to it.
                events.extend(keys.stop().await);
                screen.lend();
                let composed = compose::edited(&editor, text.reveal(), signals).await;
                screen.regain()?;
                keys = Keys::listen();
                events.push_back(Event::Tick(SystemTime::now()));
                events.push_back(Event::Resize(screen.size()?));
                match composed {
                    compose::Composed::Ended(name) => {
                        ended_by = Some(name);
                        events.push_back(Event::Terminate);
                    }
                    compose::Composed::Text(text) => events.push_back(Event::Composed(tab, Ok(text))),
                    compose::Composed::Failed(why) => events.push_back(Event::Composed(tab, Err(why))),
                }
                urgent = true;
            }
        }
        dirty = true;
    }
    match ended_by {
        Some(signal) => Err(Diagnosis::new(Kind::Cancelled, format!("Ended by {signal}"))),
        None => Ok(()),
    }
}

/// What the terminal tells, heard on a task of its own. The stream must not be polled with `now_or_never`: it keeps the
/// first waker it is polled with, and a waker that wakes nobody would leave keys unheard.
struct Keys {
    told: UnboundedReceiver<Event>,
    task: JoinHandle<()>,
}

impl Keys {
    fn listen() -> Keys {
        let (tell, told) = unbounded_channel();
        Keys { told, task: tokio::spawn(listen(tell)) }
    }

    /// Stops hearing; gives what was heard and not taken yet. The stream's own thread leaves the terminal alone as soon as
    /// the stream is dropped, which it is when the task has ended.
    async fn stop(&mut self) -> Vec<Event> {
        self.task.abort();
        // That it was aborted is what was wanted.
        let _ = (&mut self.task).await;
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }
}

async fn listen(tell: UnboundedSender<Event>) {
    let mut events = EventStream::new();
    loop {
        let event = events.next().await;
        let over = !matches!(event, Some(Ok(_)));
        // What means nothing (the mouse merely passing by) wakes nobody.
        if let Some(event) = heard(event)
            && tell.send(event).is_err()
        {
            return;
        }
        if over {
            return;
        }
    }
}

async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Commands about the terminal are done here, the others by the effects. Gives the texts that another program is to have.
fn carry_out(
    commands: Vec<(Id, Command)>,
    screen: &mut Screen,
    effects: &mut Effects,
) -> Result<Vec<(TabId, Secret)>, Diagnosis> {
    let mut texts = Vec::new();
    for (id, command) in commands {
        match command {
            Command::Copy(text) => screen.copy(&text)?,
            Command::Compose(tab, text) => texts.push((tab, text)),
            Command::Suspend => screen.suspend()?,
            Command::Redraw => screen.forget()?,
            Command::Quit => {}
            other => effects.perform(id, other),
        }
    }
    Ok(texts)
}

/// What the terminal says, as far as it means anything. A terminal that is gone means the end.
fn heard(event: Option<std::io::Result<TerminalEvent>>) -> Option<Event> {
    match event {
        Some(Ok(TerminalEvent::Key(key))) => Some(Event::Key(key)),
        Some(Ok(TerminalEvent::Paste(text))) => Some(Event::Paste(text)),
        Some(Ok(TerminalEvent::Mouse(mouse))) if mouse.kind != MouseEventKind::Moved => Some(Event::Mouse(mouse)),
        Some(Ok(TerminalEvent::Resize(width, height))) => Some(Event::Resize(Size { width, height })),
        Some(Ok(_)) => None,
        Some(Err(_)) | None => Some(Event::Terminate),
    }
}

/// The signals that end the console. Each is an order to give the terminal back and to end sessions at AWS.
struct Signals {
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Signals, Diagnosis> {
        let hear = |kind| {
            signal(kind)
                .map_err(|error| Diagnosis::new(Kind::Local, "Signals cannot be heard").because(error.to_string()))
        };
        Ok(Signals {
            terminate: hear(SignalKind::terminate())?,
            hangup: hear(SignalKind::hangup())?,
            interrupt: hear(SignalKind::interrupt())?,
        })
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "SIGHUP",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
