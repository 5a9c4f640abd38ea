//! The form and the way on screen. The choices of the field one stands in are listed below the form, with what speaks for
//! each. It only reads the state.

use super::{Field, Pane};
use crate::console::event::Load;
use crate::console::layout;
use crate::console::panes::login::Login;
use crate::console::panes::way;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::input::Input;
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::{spinner, text};
use crate::model::RouteChoice;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::SystemTime;

/// Columns before a field's value.
const LABEL: u16 = 15;

/// Columns of a choice's name.
const NAME: usize = 16;

/// Draws the first row.
pub fn draw_header(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let mut left = vec![run(format!(" {}", pane.subject.name), Tone::Strong)];
    if let Some(attempt) = &pane.attempt {
        let role = attempt.wish.endpoint.label();
        left.push(run(format!(" · {role} · {} @ {}", attempt.wish.user, pane.database_name()), Tone::Text));
    } else {
        left.push(run(format!(" · {} · {}", pane.subject.engine, pane.subject.place), Tone::Dim));
    }
    let mut right = Vec::new();
    if pane.production {
        right.push(run("▲ PRODUCTION ", Tone::Bad));
    }
    if pane.attempt.is_some() {
        right.push(run(if pane.production { "· " } else { "" }, Tone::Dim));
        right.push(if pane.read_only { run("read-only ", Tone::Dim) } else { run("WRITABLE ", Tone::Bad) });
    }
    paint::sides(frame, area, &left, &right, theme);
}

/// Where the way is drawn in the body.
pub fn way_area(body: Rect) -> Rect {
    layout::below(body, body.y + 2, body.height)
}

/// Draws all below the header.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, body: Rect, theme: Theme, now: SystemTime) {
    paint::rule(frame, layout::below(body, body.y, 1), theme);
    if let Some(attempt) = &pane.attempt {
        way::view(&attempt.way, frame, way_area(body), theme, now);
        return;
    }
    let fields = pane.fields();
    // A blank line above and below the fields, where there is room for it.
    let air = u16::from(usize::from(body.height) > fields.len() + 8);
    let mut y = body.y + 1 + air;
    for field in fields {
        let row = layout::below(body, y, 1);
        y += 1;
        draw_field(pane, field, frame, row, theme, now);
    }
    y += 1;
    paint::rule(frame, layout::below(body, y, 1), theme);
    let area = layout::below(body, y + 1, body.height);
    let choices = choices(pane, area.width.into(), now);
    let skip = choices.iter().position(|line| line.chosen).map_or(0, |at| (at + 1).saturating_sub(area.height.into()));
    for (at, choice) in choices.iter().skip(skip).take(area.height.into()).enumerate() {
        let row = layout::below(area, area.y + at as u16, 1);
        let mut line = vec![run("   ", Tone::Text)];
        line.extend(choice.runs.iter().cloned());
        paint::runs(frame, row, &line, theme, None);
    }
}

fn draw_field(pane: &Pane, field: Field, frame: &mut Frame<'_>, row: Rect, theme: Theme, now: SystemTime) {
    let here = pane.field == field;
    let label = match field {
        Field::Endpoint => "endpoint",
        Field::Route => "route",
        Field::User => "user",
        Field::Database => "database",
        Field::Login => "log in with",
        Field::Password => "password",
        Field::Secret => "secret",
        Field::Access => "access",
        Field::Confirm => "its name",
    };
    let missing = pane.missing.filter(|_| here);
    let bar = if here { run(" ▌", Tone::Accent) } else { run("  ", Tone::Text) };
    let label = run(format!("{label:<13}"), if here { Tone::Accent } else { Tone::Dim });
    let value_area = Rect { x: row.x + LABEL, width: row.width.saturating_sub(LABEL + 1), ..row };
    paint::runs(frame, row, &[bar, label], theme, None);
    let mut typed = |input: &Input, empty: &str| {
        let (shown, at) = input.shown(value_area.width.into());
        let mut line = Vec::new();
        match (missing, input.is_empty()) {
            // Where the cursor is, and not to be overlooked: nothing else on the screen is red.
            (Some(missing), true) => line.push(run(format!("◂ {missing}"), Tone::Bad)),
            (None, true) => line.push(run(empty, Tone::Dim)),
            (missing, false) => {
                line.push(run(shown, Tone::Strong));
                line.extend(missing.map(|missing| run(format!("   ◂ {missing}"), Tone::Bad)));
            }
        }
        paint::runs(frame, value_area, &line, theme, None);
        if here {
            paint::cursor(frame, value_area, at);
        }
    };
    let (value, note) = match field {
        Field::User => return typed(&pane.user, if pane.recalled.waits() { "" } else { "a database user" }),
        Field::Database => {
            let why = match pane.endpoint().database_name {
                Some(_) => "as it was created",
                None => "it was created with none",
            };
            return typed(&pane.database, &format!("{} ({why})", pane.database_name()));
        }
        Field::Secret => return typed(&pane.secret, "the settings', else the master user's"),
        Field::Password => return typed(&pane.password, "typed here, kept nowhere"),
        Field::Confirm => return typed(&pane.confirm, &pane.subject.name),
        Field::Endpoint => {
            let endpoint = pane.endpoint();
            let label = endpoint.label();
            let room = usize::from(value_area.width).saturating_sub(text::width(&label) + 5);
            (label, text::truncate_middle(&endpoint.address(), room).into_owned())
        }
        Field::Route => route_line(pane, now),
        Field::Login => {
            // A password has a line of its own that says so.
            let about = match pane.login {
                Login::Password => "",
                other => other.about(pane.endpoint().iam),
            };
            (pane.login.name().to_owned(), about.to_owned())
        }
        Field::Access => match pane.read_only {
            true => ("read-only".to_owned(), "the server refuses writes".to_owned()),
            false => ("WRITABLE".to_owned(), "statements can change data".to_owned()),
        },
    };
    let tone = if field == Field::Access && !pane.read_only { Tone::Bad } else { Tone::Strong };
    let mut line = vec![run(value, tone)];
    if here {
        line.push(run(" ◂▸", Tone::Accent));
    }
    if !note.is_empty() {
        line.push(run(format!("  {note}"), Tone::Dim));
    }
    paint::runs(frame, value_area, &line, theme, None);
}

/// The chosen way and why, or what `auto` will probably be.
fn route_line(pane: &Pane, now: SystemTime) -> (String, String) {
    let wait = |since: SystemTime| {
        format!("{} looking for bastions", spinner::frame(now.duration_since(since).unwrap_or_default()))
    };
    let ranked = pane.bastions.ready().map(Vec::as_slice).unwrap_or_default();
    match &pane.route {
        RouteChoice::Direct => ("direct".to_owned(), "from this machine, no bastion".to_owned()),
        RouteChoice::Via(name) => {
            let found = ranked.iter().find(|r| &r.bastion.id == name || r.bastion.name.as_ref() == Some(name));
            match (found, &pane.bastions) {
                (Some(ranked), _) => (ranked.bastion.label().to_owned(), ranked.reasons.join(" · ")),
                (None, Load::Asked(_, since)) => (name.clone(), wait(*since)),
                (None, _) => (name.clone(), String::new()),
            }
        }
        RouteChoice::Auto => {
            let best = ranked.iter().find(|ranked| ranked.usable);
            let note = match (&pane.bastions, best) {
                _ if pane.endpoint().internet_gateway => "direct, over its internet access gateway".to_owned(),
                (_, Some(best)) if pane.endpoint().public => {
                    format!("direct where it answers, else via {}", best.bastion.label())
                }
                _ if pane.endpoint().public => "direct, for it is public".to_owned(),
                (Load::Asked(_, since), _) => wait(*since),
                (_, Some(best)) => format!("via {}: {}", best.bastion.label(), best.reasons.join(" · ")),
                (Load::Failed(diagnosis), _) => format!("✗ {}", diagnosis.title),
                _ => "no bastion can serve; direct where it answers".to_owned(),
            };
            ("auto".to_owned(), note)
        }
    }
}

/// One line below the form.
struct Choice {
    runs: Vec<Run>,
    chosen: bool,
}

fn choice(chosen: bool, name: &str, about: String, tone: Tone) -> Choice {
    let (mark, mark_tone) = if chosen { ("● ", Tone::Accent) } else { ("○ ", Tone::Dim) };
    let runs = vec![
        run(mark, mark_tone),
        run(text::fit(name, text::width(name).max(NAME)), if chosen { Tone::Strong } else { tone }),
        run(format!(" {about}"), Tone::Dim),
    ];
    Choice { runs, chosen }
}

fn note(text: impl Into<String>) -> Choice {
    Choice { runs: vec![run(text, Tone::Dim)], chosen: false }
}

/// The choices of the field one stands in, or a word about it.
fn choices(pane: &Pane, width: usize, now: SystemTime) -> Vec<Choice> {
    match pane.field {
        Field::Endpoint => {
            let own = |owner: &String| *owner == pane.subject.name;
            let named = pane.subject.endpoints.iter();
            let named: Vec<String> =
                named.map(|(owner, endpoint)| if own(owner) { endpoint.label() } else { owner.clone() }).collect();
            // Names are what they are told apart by; where there is room, none is cut.
            let widest = named.iter().map(|name| text::width(name)).max().unwrap_or(0);
            let columns = widest.clamp(NAME, (width / 2).max(NAME));
            let endpoints = pane.subject.endpoints.iter().zip(named).enumerate();
            endpoints
                .map(|(at, ((_, endpoint), name))| {
                    let room = width.saturating_sub(columns + 7);
                    let address = text::truncate_middle(&endpoint.address(), room).into_owned();
                    choice(at == pane.subject.chosen, &text::fit(&name, columns), address, Tone::Text)
                })
                .collect()
        }
        Field::Route => route_choices(pane, now),
        Field::Login => {
            let iam = pane.endpoint().iam;
            let one = |login: Login| choice(pane.login == login, login.name(), login.about(iam).to_owned(), Tone::Text);
            Login::ALL.into_iter().map(one).collect()
        }
        Field::Access => {
            let writable = match pane.production {
                true => "asks for the target's name first: this is production",
                false => "statements can change data",
            };
            vec![
                choice(pane.read_only, "read-only", "the server itself refuses writes".to_owned(), Tone::Text),
                choice(!pane.read_only, "writable", writable.to_owned(), Tone::Text),
            ]
        }
        Field::User => match pane.recalled.ready().and_then(|remembered| remembered.at) {
            Some(at) => {
                let ago = text::ago(now.duration_since(at).unwrap_or_default());
                vec![note(format!("used last: {ago}"))]
            }
            None => vec![note("The role to log in as; with a token it needs rds_iam. Upper and lower case count.")],
        },
        Field::Database => vec![note("Empty: the database it was created with, else postgres.")],
        Field::Secret => {
            vec![note("An ARN or a name. Empty: password_secrets in the settings, else the master user's secret.")]
        }
        Field::Password => vec![note("It goes to the server over TLS with the name checked, and is kept nowhere.")],
        Field::Confirm => vec![note(format!(
            "{} is marked production; its name, typed, makes the session writable.",
            pane.subject.name
        ))],
    }
}

fn route_choices(pane: &Pane, now: SystemTime) -> Vec<Choice> {
    let direct = match pane.endpoint().public {
        true => "from this machine: it is public",
        false => "from this machine: private, so only within its network",
    };
    let mut choices = vec![
        choice(
            pane.route == RouteChoice::Auto,
            "auto",
            "direct where that works, else the best bastion".to_owned(),
            Tone::Text,
        ),
        choice(pane.route == RouteChoice::Direct, "direct", direct.to_owned(), Tone::Text),
    ];
    match &pane.bastions {
        Load::Asked(_, since) => {
            let frame = spinner::frame(now.duration_since(*since).unwrap_or_default());
            choices.push(note(format!("{frame} asking AWS for bastions")));
        }
        Load::Failed(diagnosis) => {
            choices.push(Choice { runs: vec![run(format!("✗ {}", diagnosis.title), Tone::Bad)], chosen: false });
        }
        Load::Ready(ranked) if ranked.is_empty() => choices.push(note("no bastion is known there")),
        Load::Ready(ranked) => {
            for ranked in ranked {
                let bastion = &ranked.bastion;
                let chosen = matches!(&pane.route, RouteChoice::Via(name) if *name == bastion.id || bastion.name.as_ref() == Some(name));
                let about = format!("{} · {}", bastion.id, ranked.reasons.join(" · "));
                let mut line = choice(chosen, bastion.label(), about, Tone::Text);
                if !ranked.usable {
                    line.runs[0] = run("✗ ", Tone::Bad);
                    line.runs[1].1 = Tone::Dim;
                }
                choices.push(line);
            }
        }
        Load::Idle => {}
    }
    choices
}
