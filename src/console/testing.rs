//! For the console's tests: a fleet like the sandbox's, a screen as text with its styles, keys by name. It must not reach
//! the network or a clock.

use super::event::{Answer, Command, Event, Id};
use super::painter::Painter;
use super::state::State;
use super::theme::{Theme, Tone};
use super::{update, view};
use crate::model::*;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::TestBackend;
use ratatui::layout::{Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// A moment: 2026-11-23T03:00:00Z.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_402_800)
}

pub fn place(region: &str) -> Place {
    Place { profile: None, region: region.to_owned() }
}

/// A database of the cast.
pub fn database(kind: DatabaseKind, identifier: &str, engine: &str, version: &str) -> Database {
    let region = "eu-west-1";
    let (resource_id, role, endpoint_role, suffix) = match kind {
        DatabaseKind::Cluster => {
            ("cluster-7QXJ4N2MKD5RWV3TB6ZLHYAE2U", Role::Cluster, EndpointRole::Writer, "cluster-c9abcd1234ef.")
        }
        DatabaseKind::Instance => {
            ("db-K3ANV5WQ7YXJ2MRT4LHB6ZCE9D", Role::Instance, EndpointRole::Instance, "c9abcd1234ef.")
        }
        DatabaseKind::Proxy => ("prx-08f3a1c2b4d5e6f70", Role::Proxy, EndpointRole::Proxy, "proxy-c9abcd1234ef."),
    };
    let endpoint = Endpoint {
        role: endpoint_role,
        host: format!("{identifier}.{suffix}{region}.rds.amazonaws.com"),
        port: if engine.contains("mysql") { 3306 } else { 5432 },
        owner: identifier.to_owned(),
        resource_id: resource_id.to_owned(),
        iam: IamAuth::Enabled,
        engine: Engine::parse(engine),
        place: place(region),
        account: "123456789012".to_owned(),
        partition: "aws".to_owned(),
        public: false,
        vpc_id: Some("vpc-0a1b2c3d".to_owned()),
        security_groups: vec!["sg-0db0db0d".to_owned()],
        database_name: Some("shop".to_owned()),
        internet_gateway: false,
        tags: Vec::new(),
        proxy: (kind == DatabaseKind::Proxy).then(|| ProxyLogin {
            scheme: ProxyScheme::Secrets,
            role: Some("arn:aws:iam::123456789012:role/rds-proxy-orders".to_owned()),
            secrets: Vec::new(),
            target: None,
            tags_untold: false,
        }),
    };
    Database {
        kind,
        identifier: identifier.to_owned(),
        resource_id: resource_id.to_owned(),
        arn: format!("arn:aws:rds:{region}:123456789012:{}:{identifier}", kind.name()),
        engine: Engine::parse(engine),
        engine_version: version.to_owned(),
        status: "available".to_owned(),
        iam: IamAuth::Enabled,
        place: place(region),
        cluster: None,
        role,
        endpoints: vec![endpoint],
        vpc_id: Some("vpc-0a1b2c3d".to_owned()),
        subnet_group: Some("private".to_owned()),
        security_groups: vec!["sg-0db0db0d".to_owned()],
        public: if kind == DatabaseKind::Cluster { None } else { Some(false) },
        class: if kind == DatabaseKind::Instance { Some("db.r7g.large".to_owned()) } else { None },
        multi_az: false,
        certificate: (kind == DatabaseKind::Instance).then(|| Certificate {
            authority: "rds-ca-rsa2048-g1".to_owned(),
            valid_till: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(2_884_000_000)),
        }),
        database_name: Some("shop".to_owned()),
        master_user: Some("postgres".to_owned()),
        master_secret: None,
        domains: Vec::new(),
        tags: vec![("team".to_owned(), "shop".to_owned())],
        internet_gateway: false,
    }
}

/// `orders-prod` with a writer, two readers and all its endpoints; a handful of others.
pub fn inventory() -> Inventory {
    let mut cluster = database(DatabaseKind::Cluster, "orders-prod", "aurora-postgresql", "16.6");
    for (role, host) in [
        (EndpointRole::Reader, "orders-prod.cluster-ro-c9abcd1234ef"),
        (EndpointRole::Custom, "orders-bi.cluster-custom-c9abcd1234ef"),
    ] {
        let host = format!("{host}.eu-west-1.rds.amazonaws.com");
        cluster.endpoints.push(Endpoint { role, host, ..cluster.endpoints[0].clone() });
    }
    cluster.tags.push(("Environment".to_owned(), "production".to_owned()));
    let mut databases = vec![cluster];
    for (at, role) in [Role::Writer, Role::Reader, Role::Reader].into_iter().enumerate() {
        let name = format!("orders-prod-{}", at + 1);
        let mut member = database(DatabaseKind::Instance, &name, "aurora-postgresql", "16.6");
        member.cluster = Some("orders-prod".to_owned());
        member.role = role;
        if at < 2 {
            member.class = Some("db.r7g.2xlarge".to_owned());
        }
        databases.push(member);
    }
    let mut creating = database(DatabaseKind::Cluster, "inventory-dev", "aurora-postgresql", "17.2");
    creating.status = "creating".to_owned();
    creating.endpoints.clear();
    databases.push(creating);
    databases.push(database(DatabaseKind::Instance, "billing", "postgres", "15.10"));
    let mut off = database(DatabaseKind::Instance, "legacy-crm", "postgres", "13.18");
    off.iam = IamAuth::Disabled;
    off.endpoints[0].iam = IamAuth::Disabled;
    databases.push(off);
    let mut pending = database(DatabaseKind::Instance, "ledger", "postgres", "16.4");
    pending.iam = IamAuth::Pending { to: true };
    databases.push(pending);
    databases.push(database(DatabaseKind::Instance, "wiki", "mysql", "8.4.3"));
    databases.push(database(DatabaseKind::Proxy, "orders-proxy", "postgresql", ""));
    Inventory { place: place("eu-west-1"), databases, listed_at: now() - Duration::from_secs(12), gaps: Vec::new() }
}

pub fn identity() -> Identity {
    let arn = "arn:aws:sts::123456789012:assumed-role/prod-admin/me".to_owned();
    Identity { account: "123456789012".to_owned(), arn, user_id: "AROAPROD:oncall".to_owned(), ends: None }
}

/// A bastion as ranked.
pub fn ranked(name: &str, id: &str, usable: bool, reasons: &[&str]) -> Ranked {
    Ranked {
        bastion: Bastion {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            place: place("eu-west-1"),
            agent: Agent { online: usable, last_ping: None, registered: None, version: "3.3.987.0".to_owned() },
            vpc_id: None,
            subnet_id: None,
            security_groups: Vec::new(),
            address: None,
            up_since: None,
        },
        score: 0,
        usable,
        let_in: None,
        led: None,
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
    }
}

pub fn bastions() -> Vec<Ranked> {
    vec![
        ranked("bastion-a", "i-0b2c3d4e5f6a70001", true, &["same VPC", "security group lets it in", "agent online"]),
        ranked("bastion-b", "i-0b2c3d4e5f6a70002", true, &["agent online", "another VPC"]),
        ranked("bastion-old", "i-0b2c3d4e5f6a70003", false, &["offline since 2026-11-02"]),
    ]
}

/// What is known of a session that has just begun.
pub fn facts() -> SessionFacts {
    SessionFacts {
        server_version: "16.6".into(),
        pid: 1,
        tls: TlsFacts::default(),
        token_minted: None,
        token_ends: None,
        route: "via bastion-a".into(),
        ssm_session: None,
        read_only: true,
        hot_standby: false,
    }
}

/// A console under test: what was asked is kept until it is answered.
pub struct Console {
    pub state: State,
    pub asked: Vec<(Id, Command)>,
}

impl Console {
    /// Started, nothing answered.
    pub fn start(width: u16, height: u16) -> Console {
        let mut state = State::new(Settings::default(), Size { width, height }, now());
        let asked = update::start(&mut state, None);
        Console { state, asked }
    }

    /// Started with a target named on the command line, in these regions; nothing is listed yet.
    pub fn wanting(wanted: Wanted, regions: &[&str]) -> Console {
        let mut state = State::new(Settings::default(), Size { width: 80, height: 24 }, now());
        let asked = update::start(&mut state, Some(wanted));
        let mut console = Console { state, asked };
        let places = regions.iter().map(|region| place(region)).collect();
        console.answer(|c| matches!(c, Command::Places), Answer::Places(places));
        console
    }

    /// With two regions asked, one of which has answered.
    pub fn listed(width: u16, height: u16) -> Console {
        let mut console = Console::start(width, height);
        console.answer(|c| matches!(c, Command::Places), Answer::Places(vec![place("eu-west-1")]));
        console.answer(|c| matches!(c, Command::Identity(_)), Answer::Identity(identity()));
        console.answer(|c| matches!(c, Command::Inventory(_)), Answer::Inventory(inventory()));
        console
    }

    /// At the form of `name`.
    pub fn connecting(width: u16, height: u16, name: &str) -> Console {
        let mut console = Console::listed(width, height);
        console.keys(&format!("/ {name} Enter Enter"));
        console
    }

    pub fn event(&mut self, event: Event) {
        let asked = update::update(&mut self.state, event);
        self.asked.extend(asked);
    }

    /// Answers the first open question that fits.
    pub fn answer(&mut self, which: impl Fn(&Command) -> bool, answer: Answer) -> Id {
        let at = self.asked.iter().position(|(_, command)| which(command)).expect("such a question is open");
        let (id, _) = self.asked.remove(at);
        self.event(Event::Answer(id, answer));
        id
    }

    /// Tells news of the first open question that fits; it stays open.
    pub fn news(&mut self, which: impl Fn(&Command) -> bool, answer: Answer) {
        let (id, _) = self.asked.iter().find(|(_, command)| which(command)).expect("such a question is open");
        self.event(Event::Answer(*id, answer));
    }

    pub fn tick(&mut self, later: Duration) {
        self.event(Event::Tick(self.state.now + later));
    }

    /// Presses keys by name, with spaces between; what is no key's name is typed.
    pub fn keys(&mut self, script: &str) {
        for name in script.split(' ').filter(|name| !name.is_empty()) {
            match key(name) {
                Some(key) => self.event(Event::Key(key)),
                None => {
                    for c in name.chars() {
                        self.event(Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
                    }
                }
            }
        }
    }

    /// The screen as text, then the runs of each row that are not plain, by tone.
    pub fn screen(&self) -> String {
        let (text, styles) = self.draw();
        format!("{text}\n{styles}")
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.draw().0
    }

    fn draw(&self) -> (String, String) {
        let Size { width, height } = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend cannot fail");
        terminal.draw(|frame| view::view(&self.state, frame)).expect("a test backend cannot fail");
        let buffer = terminal.backend().buffer();
        let theme = self.state.theme();
        let (mut text, mut styles) = (String::new(), String::new());
        for y in 0..height {
            let mut line = String::new();
            let mut runs: Vec<(u16, u16, String)> = Vec::new();
            let mut skip = 0;
            for x in 0..width {
                let cell = &buffer[(x, y)];
                if skip > 0 {
                    skip -= 1;
                } else {
                    line.push_str(cell.symbol());
                    skip = super::widgets::text::width(cell.symbol()).saturating_sub(1);
                }
                if let Some(tone) = tone(theme, cell.style()) {
                    match runs.last_mut() {
                        Some((_, end, last)) if *last == tone && *end == x => *end = x + 1,
                        _ => runs.push((x, x + 1, tone)),
                    }
                }
            }
            let _ = writeln!(text, "{}", line.trim_end());
            if !runs.is_empty() {
                let _ = write!(styles, "{y:>2}");
                for (from, to, tone) in runs {
                    let _ = write!(styles, " {from}-{to}:{tone}");
                }
                styles.push('\n');
            }
        }
        (text, styles)
    }
}

/// The tone a style is of; `None` is plain text.
fn tone(theme: Theme, style: ratatui::style::Style) -> Option<String> {
    use Tone::*;
    let plain = ratatui::buffer::Cell::EMPTY.style();
    if style == plain {
        return None;
    }
    for tone in [Dim, Strong, Accent, Good, Warn, Bad, Selected, Match] {
        if style == plain.patch(theme.style(tone)) {
            return Some(format!("{tone:?}"));
        }
        if style == plain.patch(theme.style(Selected)).patch(ratatui::style::Style { bg: None, ..theme.style(tone) }) {
            return Some(format!("Selected+{tone:?}"));
        }
    }
    Some("other".to_owned())
}

/// The key of that name.
pub fn key(name: &str) -> Option<KeyEvent> {
    let (name, modifiers) = match name.strip_prefix("C-") {
        Some(rest) => (rest, KeyModifiers::CONTROL),
        None => (name, KeyModifiers::NONE),
    };
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "F1" => KeyCode::F(1),
        "F9" => KeyCode::F(9),
        "F10" => KeyCode::F(10),
        one if one.chars().count() == 1 => KeyCode::Char(one.chars().next()?),
        _ => return None,
    };
    Some(KeyEvent::new(code, modifiers))
}

/// A terminal that is written to: what a frame costs.
pub struct Pen(Terminal<Painter>);

impl Pen {
    /// Of that size, with nothing on it.
    pub fn new(width: u16, height: u16) -> Pen {
        let viewport = Viewport::Fixed(Rect::new(0, 0, width, height));
        Pen(Terminal::with_options(Painter::default(), TerminalOptions { viewport }).expect("it asks no terminal"))
    }

    /// What is written to show the state.
    pub fn draw(&mut self, state: &State) -> String {
        self.0.draw(|frame| view::view(state, frame)).expect("a vector takes it");
        let mut bytes = Vec::new();
        self.0.backend_mut().send(&mut bytes).expect("a vector takes it");
        String::from_utf8(bytes).expect("text")
    }
}
