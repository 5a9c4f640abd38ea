//! Draws the form for a listener. It must not know keys.

use super::{Door, Field, Pane};
use crate::console::layout;
use crate::console::panes::login::Login;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::input::Input;
use crate::console::widgets::paint::{self, run};
use crate::console::widgets::text;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let fields = pane.fields();
    let outer = layout::middle(area, (area.width * 4 / 5).clamp(72, 104), fields.len() as u16 + 4);
    let title = match &pane.endpoint {
        Some(endpoint) => format!("listener for {}", endpoint.owner),
        None => "listener".to_owned(),
    };
    let inner = paint::frame(frame, outer, &title, theme);
    for (at, field) in fields.into_iter().enumerate() {
        let row = layout::below(inner, inner.y + at as u16, 1);
        let here = field == pane.field;
        let said = |words: &str| Err(words.to_owned());
        let (label, value): (&str, Result<&Input, String>) = match field {
            Field::Target => ("database at AWS", Ok(&pane.target)),
            Field::User => ("user", Ok(&pane.user)),
            Field::Database => ("database", Ok(&pane.database)),
            Field::Login => ("log in with", Err(format!("{}: {}", pane.login.name(), pane.login.about(pane.iam())))),
            Field::Password => ("password", Ok(&pane.password)),
            Field::Secret => ("secret", Ok(&pane.secret)),
            Field::Route => ("route", Err(pane.route_words())),
            Field::Door => ("clients come by", said(pane.door.words())),
            Field::Port => (if pane.door == Door::Port { "port" } else { "number" }, Ok(&pane.port)),
            Field::Folder => ("folder", Ok(&pane.folder)),
            Field::Tls => (
                "encryption",
                said(if pane.tls { "TLS for clients that ask" } else { "none: it stays on this machine" }),
            ),
            Field::Proof => (
                "clients show",
                said(if pane.open_to_all {
                    "NOTHING: whoever is on this machine gets in"
                } else {
                    "the secret: y hands it over"
                }),
            ),
            Field::Access => (
                "access",
                said(match (pane.read_only, pane.production) {
                    (true, _) => "read-only: the server refuses writes",
                    (false, false) => "read and write",
                    (false, true) => "WRITES TO PRODUCTION: asks for its name first",
                }),
            ),
        };
        let bar = if here { run("▌", Tone::Accent) } else { run(" ", Tone::Text) };
        let label = text::fit(label, 16);
        let area = Rect { x: inner.x + 18.min(inner.width), ..row };
        let area = Rect { width: inner.right().saturating_sub(area.x), ..area };
        let (words, cursor) = match &value {
            Ok(input) if input.is_empty() && !here => (usual(field, pane), None),
            Ok(input) => {
                let (shown, cursor) = input.shown(area.width.into());
                (shown, Some(cursor))
            }
            Err(words) => (words.clone(), None),
        };
        let tone = match field {
            Field::Proof if pane.open_to_all => Tone::Warn,
            Field::Access if pane.production && !pane.read_only => Tone::Bad,
            _ if cursor.is_none() && value.is_ok() => Tone::Dim,
            _ => Tone::Text,
        };
        paint::runs(frame, row, &[bar, run(format!("{label} "), Tone::Dim), run(words, tone)], theme, None);
        if let (true, Some(cursor)) = (here, cursor) {
            paint::cursor(frame, area, cursor);
        }
    }
    let words = match &pane.wrong {
        Some(wrong) => run(format!(" {wrong}"), Tone::Bad),
        None => run(" Once it is open, y on the Lines screen hands it to a client.", Tone::Dim),
    };
    paint::runs(frame, layout::below(inner, inner.bottom().saturating_sub(1), 1), &[words], theme, None);
}

/// What counts where nothing is typed.
fn usual(field: Field, pane: &Pane) -> String {
    match field {
        Field::Port if pane.door == Door::Socket => "5432, in the socket's name".to_owned(),
        Field::Port => "any that is free".to_owned(),
        Field::Folder => "one of its own, that goes with it".to_owned(),
        Field::Secret => "the settings', else the master user's".to_owned(),
        Field::User if pane.login == Login::Secret => "the secret's".to_owned(),
        Field::Database => match pane.endpoint.as_ref().and_then(|endpoint| endpoint.database_name.clone()) {
            Some(name) => format!("{name}, or whichever a client names"),
            None => "whichever a client names".to_owned(),
        },
        Field::User => "the one used last".to_owned(),
        _ => String::new(),
    }
}
