//! What can be copied of a database: a letter, a name, the text itself. It must not know the clipboard.

use crate::access::handoff::{Client, Handoff, Lead, hand_off, quote};
use crate::console::layout;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::list::Cursor;
use crate::console::widgets::paint::{self, run};
use crate::console::widgets::text;
use crate::model::{Database, Endpoint};
use ratatui::Frame;
use ratatui::layout::Rect;

/// One thing to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The letter that takes it.
    pub key: char,
    /// What it is.
    pub name: String,
    /// The text, or what must be asked first.
    pub what: What,
}

/// What an entry copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// This.
    Text(String),
    /// The resource of `rds-db:connect`, for a user yet to be named.
    ConnectArn(Box<Endpoint>),
    /// The policy document, for a user yet to be named.
    Policy(Box<Endpoint>),
    /// A token, for a user yet to be named.
    Token(Box<Endpoint>),
    /// Nothing: the doctor looks, for a user yet to be named.
    Doctor(Box<Endpoint>),
    /// A command that goes through a forwarded port, for a user yet to be named.
    Raw(Box<Endpoint>, u16),
    /// What a client of a listener is handed.
    HandOff(Box<Handoff>),
}

impl What {
    /// The endpoint it is about, where it is about one.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            What::Text(_) | What::HandOff(_) => None,
            What::ConnectArn(endpoint)
            | What::Policy(endpoint)
            | What::Token(endpoint)
            | What::Doctor(endpoint)
            | What::Raw(endpoint, _) => Some(endpoint),
        }
    }
}

/// The menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// Of what.
    pub title: String,
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where one stands.
    pub cursor: Cursor,
}

impl Pane {
    /// All that can be copied of `database`.
    pub fn new(database: &Database) -> Pane {
        let mut entries = Vec::new();
        let mut add = |key: char, name: &str, what: What| entries.push(Entry { key, name: name.to_owned(), what });
        if let Some(endpoint) = database.endpoints.first() {
            add('h', "host", What::Text(endpoint.host.clone()));
            add('p', "host:port", What::Text(endpoint.address()));
        }
        for (endpoint, key) in database.endpoints.iter().skip(1).zip('1'..='9') {
            add(key, &format!("{} host", endpoint.label()), What::Text(endpoint.host.clone()));
        }
        add('n', "name", What::Text(database.identifier.clone()));
        add('r', "resource id", What::Text(database.resource_id.clone()));
        add('a', "ARN", What::Text(database.arn.clone()));
        if let Some(endpoint) = database.endpoints.first() {
            if database.engine.has_iam_auth() {
                add('c', "connect ARN", What::ConnectArn(Box::new(endpoint.clone())));
                add('i', "IAM policy", What::Policy(Box::new(endpoint.clone())));
                add('t', "token", What::Token(Box::new(endpoint.clone())));
            }
            if database.engine.is_postgres() {
                let name = database.database_name.as_deref().unwrap_or("postgres");
                let line = format!("host={} port={} dbname={name} sslmode=verify-full", endpoint.host, endpoint.port);
                add('s', "psql's words", What::Text(line));
                let place = &database.place;
                let profile = place.profile.iter().map(|profile| format!(" --profile {}", quote::shell(profile)));
                let flags = format!("{} --region {}", profile.collect::<String>(), quote::shell(&place.region));
                let name = quote::shell(&database.identifier);
                add('x', "psql, logged in", What::Text(format!("gatepost exec {name}{flags} -- psql")));
                let open = |client: &str| What::Text(format!("gatepost open {name}{flags} --with {client} --run"));
                add('d', "DBeaver, logged in", open("dbeaver"));
                add('g', "pgAdmin, logged in", open("pgadmin"));
            }
        }
        if let Some(secret) = &database.master_secret {
            add('m', "master secret's ARN", What::Text(secret.clone()));
        }
        Pane { title: format!("copy of {}", database.identifier), entries, cursor: Cursor::default() }
    }

    /// What clients of a listener are handed; those that cannot reach it are left out.
    pub fn of_listener(lead: &Lead) -> Pane {
        let address = match lead.host.starts_with('/') {
            true => lead.host.clone(),
            false => format!("{}:{}", lead.host, lead.port),
        };
        let mut entries = vec![Entry { key: 'a', name: "address".to_owned(), what: What::Text(address) }];
        for (client, key) in Client::ALL.into_iter().zip(['p', 'c', 'd', 'g', 'w', 'j', 'u', 'e', 's']) {
            if let Ok(mut handoff) = hand_off(client, lead) {
                // A key hands over one thing: what stands below a URL or a command is no part of it.
                if !matches!(client, Client::Env | Client::Pgadmin) {
                    handoff.lines.truncate(1);
                }
                let what = What::HandOff(Box::new(handoff));
                entries.push(Entry { key, name: client.what().to_owned(), what });
            }
        }
        if let Some(passfile) = &lead.passfile {
            let what = What::Text(passfile.display().to_string());
            entries.push(Entry { key: 'f', name: "passfile".to_owned(), what });
        }
        Pane { title: format!("hand over {}", lead.name), entries, cursor: Cursor::default() }
    }

    /// What clients of a forwarded port are handed.
    pub fn of_port(endpoint: &Endpoint, port: u16) -> Pane {
        let address = What::Text(format!("127.0.0.1:{port}"));
        let mut entries = vec![Entry { key: 'a', name: "address".to_owned(), what: address }];
        if endpoint.engine.is_postgres() {
            let what = What::Raw(Box::new(endpoint.clone()), port);
            entries.push(Entry { key: 'p', name: "psql command".to_owned(), what });
        }
        if endpoint.engine.has_iam_auth() {
            let what = What::Token(Box::new(endpoint.clone()));
            entries.push(Entry { key: 't', name: "token".to_owned(), what });
        }
        Pane { title: format!("copy for the port to {}", endpoint.owner), entries, cursor: Cursor::default() }
    }

    /// The box it takes of `area`.
    pub fn area(&self, area: Rect) -> Rect {
        let width = (area.width * 4 / 5).clamp(40, 100);
        layout::middle(area, width, self.entries.len() as u16 + 2)
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let inner = paint::frame(frame, pane.area(area), &pane.title, theme);
    for (at, entry) in pane.entries.iter().enumerate().skip(pane.cursor.offset).take(inner.height.into()) {
        let row = layout::below(inner, inner.y + (at - pane.cursor.offset) as u16, 1);
        let under = (at == pane.cursor.selected).then(|| theme.style(Tone::Selected));
        let room = usize::from(inner.width).saturating_sub(26);
        let shown = match &entry.what {
            What::Text(text) => text::truncate_middle(text, room).into_owned(),
            What::Token(_) => "made now, good for 15 minutes".to_owned(),
            What::ConnectArn(_) | What::Policy(_) | What::Doctor(_) => "for one user".to_owned(),
            What::Raw(..) => "verified against its real name, with a token; for one user".to_owned(),
            What::HandOff(handoff) => {
                let line = handoff.lines.first().map_or("", String::as_str);
                text::truncate_middle(if line == "{" { "a file for Import/Export Servers" } else { line }, room)
                    .into_owned()
            }
        };
        let line = [
            run(format!(" {} ", entry.key), Tone::Accent),
            run(format!(" {:<20} ", entry.name), Tone::Text),
            run(shown, Tone::Dim),
        ];
        paint::runs(frame, row, &line, theme, under);
    }
    paint::more(frame, inner, pane.cursor.offset, pane.entries.len(), theme);
}
