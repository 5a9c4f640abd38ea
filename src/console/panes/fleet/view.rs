//! The fleet on screen: header, problems, list with columns as the width allows, detail, filter. It only reads the state.

use super::rows::{Column, Fold, Row, Sort, iam};
use super::{Pane, Problem, describe};
use crate::console::event::Load;
use crate::console::layout;
use crate::console::panes::diagnosis;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::{spinner, text};
use crate::model::{Database, DatabaseKind, Kind, Role};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::SystemTime;

/// Draws the first row: who we are, where we look, what there is, and how old that is.
pub fn draw_header(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme, now: SystemTime) {
    let mut left = vec![run(" gatepost  ", Tone::Accent)];
    let identities: Vec<_> = pane.listings.iter().filter_map(|listing| listing.identity.ready()).collect();
    match identities.first() {
        Some(identity) => {
            left.push(run(identity.short(), Tone::Strong));
            left.push(run(format!(" · {}", identity.account), Tone::Text));
            let others = identities.iter().filter(|other| other.account != identity.account).count();
            if others > 0 {
                left.push(run(format!(" + {others} more"), Tone::Dim));
            }
        }
        None if pane.listings.iter().any(|listing| listing.identity.waits()) => {
            left.push(run("asking who we are", Tone::Dim));
        }
        None => {
            let failed = pane.listings.iter().find_map(|listing| match &listing.identity {
                Load::Failed(diagnosis) => Some(diagnosis.kind),
                _ => None,
            });
            match failed {
                Some(Kind::LoginEnded) => left.push(run("✗ not logged in to AWS", Tone::Bad)),
                Some(_) => left.push(run("✗ who we are is not known", Tone::Bad)),
                None => {}
            }
        }
    }
    let mut profiles: Vec<&str> = Vec::new();
    let mut regions: Vec<&str> = Vec::new();
    for listing in &pane.listings {
        if let Some(profile) = listing.place.profile.as_deref()
            && !profiles.contains(&profile)
        {
            profiles.push(profile);
        }
        if !regions.contains(&listing.place.region.as_str()) {
            regions.push(&listing.place.region);
        }
    }
    if !profiles.is_empty() {
        left.push(run(format!(" · {}", profiles.join(" ")), Tone::Text));
    }
    if !regions.is_empty() {
        let joined = if regions.len() > 4 { format!("{} regions", regions.len()) } else { regions.join(" ") };
        left.push(run(format!(" · {joined}"), Tone::Text));
    }
    paint::sides(frame, area, &left, &state(pane, now), theme);
}

/// What there is and how old that is, or what is waited for.
fn state(pane: &Pane, now: SystemTime) -> Vec<Run> {
    let count = pane.listings.iter().filter_map(|l| l.latest.as_ref()).map(|i| i.databases.len()).sum::<usize>();
    let counted = match count {
        0 => String::new(),
        1 => "1 database · ".to_owned(),
        n if pane.filter.is_empty() => format!("{n} databases · "),
        n => format!("{} of {n} databases · ", pane.rows.len()),
    };
    let since = pane.listings.iter().filter_map(|listing| match listing.load {
        Load::Asked(_, since) => Some(since),
        _ => None,
    });
    let since = since.min().or(match pane.places {
        Load::Asked(_, since) => Some(since),
        _ => None,
    });
    if let Some(since) = since {
        let elapsed = now.duration_since(since).unwrap_or_default();
        let wait = format!(
            "{} asking AWS {}.{} s ",
            spinner::frame(elapsed),
            elapsed.as_secs(),
            elapsed.subsec_millis() / 100
        );
        return vec![run(counted, Tone::Dim), run(wait, Tone::Accent)];
    }
    match pane.listed_at() {
        Some(at) => {
            vec![run(format!("{counted}{} ", text::ago(now.duration_since(at).unwrap_or_default())), Tone::Dim)]
        }
        None => Vec::new(),
    }
}

/// Draws all below the header.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, body: Rect, theme: Theme, now: SystemTime) {
    let parts = layout::fleet(body, pane.problem_lines(), pane.filter_shown());
    problems(pane, frame, parts.problems, theme);
    paint::rule(frame, parts.rule, theme);
    if pane.shows_failure() {
        let area = Rect { y: parts.rule.bottom(), height: body.bottom() - parts.rule.bottom(), ..body };
        if let Some(failure) = pane.failure() {
            diagnosis::draw(frame, area, &diagnosis::lines(failure, area.width, false), 0, theme);
        }
        return;
    }
    let columns = Columns::fit(pane, parts.rows.width.into());
    match pane.rows.is_empty() {
        true => empty(pane, frame, parts.rows, theme, now),
        false => columns.titles(frame, parts.titles, pane.sort, theme),
    }
    for (at, row) in pane.rows.iter().enumerate().skip(pane.cursor.offset).take(parts.rows.height.into()) {
        let y = parts.rows.y + (at - pane.cursor.offset) as u16;
        let area = Rect { y, height: 1, ..parts.rows };
        let selected = at == pane.cursor.selected;
        let under = selected.then(|| theme.style(Tone::Selected));
        paint::runs(frame, area, &columns.cells(pane, row, selected), theme, under);
    }
    paint::rule(frame, parts.divider, theme);
    if parts.divider.width == 1 && parts.divider.height > 1 && !parts.rule.is_empty() {
        frame.buffer_mut().set_string(parts.divider.x, parts.rule.y, "┬", theme.style(Tone::Dim));
    }
    let more = paint::position(pane.cursor.offset, parts.rows.height.into(), pane.rows.len());
    if !more.is_empty() && !parts.rule.is_empty() {
        let list = Rect { width: parts.rows.width, ..parts.rule };
        let label = format!(" {more} ");
        let x = list.right().saturating_sub(text::width(&label) as u16 + 2);
        frame.buffer_mut().set_string(x, list.y, label, theme.style(Tone::Dim));
    }
    if let Some(database) = pane.selected() {
        detail(database, frame, parts.detail, parts.detail.x > body.x, theme);
    }
    if parts.filter.height > 0 {
        let (shown, at) = pane.filter.shown(usize::from(parts.filter.width).saturating_sub(3));
        let line = [run(" /", Tone::Accent), run(shown, Tone::Text)];
        paint::runs(frame, parts.filter, &line, theme, None);
        if pane.filtering {
            paint::cursor(frame, parts.filter, at + 2);
        }
    }
}

fn problems(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let problems = pane.problems();
    for (at, (place, problem)) in problems.iter().take(area.height.into()).enumerate() {
        let area = Rect { y: area.y + at as u16, height: 1, ..area };
        let last = at + 1 == usize::from(area.height) || at == 2;
        let hidden = problems.len().saturating_sub(3);
        let more = if last && hidden > 0 { format!("+{hidden} more · e why ") } else { "e why ".to_owned() };
        let left = match problem {
            Problem::Failed(diagnosis) => {
                vec![run(format!(" ✗ {place}  "), Tone::Bad), run(diagnosis.title.clone(), Tone::Text)]
            }
            Problem::Gap(gap) => vec![run(format!(" ! {place}  "), Tone::Warn), run(*gap, Tone::Text)],
        };
        paint::sides(frame, area, &left, &[run(more, Tone::Dim)], theme);
    }
}

fn empty(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme, now: SystemTime) {
    let places: Vec<String> = pane.listings.iter().map(|listing| listing.place.to_string()).collect();
    let places = if places.is_empty() { "AWS".to_owned() } else { places.join(", ") };
    let (first, second) = if pane.waits() {
        let since = pane.listings.iter().find_map(|listing| match listing.load {
            Load::Asked(_, since) => Some(since),
            _ => None,
        });
        let elapsed = since.and_then(|since| now.duration_since(since).ok()).unwrap_or_default();
        (format!("{} asking {places} what there is", spinner::frame(elapsed)), "")
    } else if !pane.filter.is_empty() {
        (format!("Nothing fits “{}”", pane.filter.text()), "Esc drops the filter")
    } else if pane.listings.is_empty() {
        ("No region is chosen".to_owned(), "R chooses regions")
    } else {
        (format!("No databases in {places}"), "R chooses other regions, P other profiles, r asks again")
    };
    for (at, (line, tone)) in [(first, Tone::Text), (second.to_owned(), Tone::Dim)].into_iter().enumerate() {
        let row = layout::below(area, area.y + 1 + at as u16, 1);
        paint::runs(frame, row, &[run("   ", Tone::Text), run(line, tone)], theme, None);
    }
}

/// Width of each column; zero is not shown.
struct Columns {
    name: usize,
    role: usize,
    engine: usize,
    class: usize,
    status: usize,
    iam: usize,
    region: usize,
    authority: usize,
    resource: usize,
}

impl Columns {
    /// Widths by content, then what is least missed goes: class, certificate authority, region.
    fn fit(pane: &Pane, width: usize) -> Columns {
        let widest = |least: usize, most: usize, of: &dyn Fn(&Row, &Database) -> usize| {
            pane.rows.iter().map(|row| of(row, pane.database(row))).max().unwrap_or(0).clamp(least, most)
        };
        let authority = |database: &Database| {
            database.certificate.as_ref().map_or(0, |certificate| text::width(short_authority(&certificate.authority)))
        };
        let regions = pane.listings.iter().any(|listing| listing.place.region != pane.listings[0].place.region);
        let mut columns = Columns {
            name: widest(12, 36, &|row, database| text::width(&database.identifier) + if row.member { 2 } else { 0 }),
            role: 8,
            engine: widest(10, 22, &|_, database| text::width(&engine(database))),
            class: widest(5, 18, &|_, database| database.class.as_deref().map_or(0, text::width)),
            status: widest(9, 24, &|_, database| text::width(&database.status)),
            iam: 5,
            region: if regions { widest(6, 16, &|_, database| text::width(&database.place.region)) } else { 0 },
            authority: widest(2, 12, &|_, database| authority(database)),
            resource: widest(11, 36, &|_, database| text::width(&database.resource_id)),
        };
        // The resource id is the first to be shortened, for its front tells it apart well enough.
        let excess = columns.total().saturating_sub(width);
        columns.resource = columns.resource.saturating_sub(excess).max(columns.resource.min(16));
        for drop in [|c: &mut Columns| c.class = 0, |c: &mut Columns| c.authority = 0, |c: &mut Columns| c.region = 0] {
            if columns.total() > width {
                drop(&mut columns);
            }
        }
        let excess = columns.total().saturating_sub(width);
        columns.resource = columns.resource.saturating_sub(excess).max(11);
        let excess = columns.total().saturating_sub(width);
        columns.status = columns.status.saturating_sub(excess).max(9);
        let excess = columns.total().saturating_sub(width);
        columns.engine = columns.engine.saturating_sub(excess).max(14);
        let excess = columns.total().saturating_sub(width);
        columns.name = columns.name.saturating_sub(excess).max(12);
        // What is left over goes to the resource id, up to its whole length.
        let spare = width.saturating_sub(columns.total());
        let whole = widest(11, 36, &|_, database| text::width(&database.resource_id));
        columns.resource = (columns.resource + spare).min(whole.max(columns.resource));
        columns
    }

    fn total(&self) -> usize {
        let widths = [
            self.name,
            self.role,
            self.engine,
            self.class,
            self.status,
            self.iam,
            self.region,
            self.authority,
            self.resource,
        ];
        // Three columns for bar and mark, one behind the last column, and two between.
        4 + widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum::<usize>() - 2
    }

    fn titles(&self, frame: &mut Frame<'_>, area: Rect, sort: Sort, theme: Theme) {
        let mut runs = vec![run("   ", Tone::Dim)];
        let mut title = |width: usize, name: &str, column: Option<Column>| {
            if width == 0 {
                return;
            }
            let sorted = column == Some(sort.by) && sort != Sort::default();
            let arrow = if sort.descending { "↓" } else { "↑" };
            let name = if sorted { format!("{name} {arrow}") } else { name.to_owned() };
            runs.push(run(text::fit(&name, width), if sorted { Tone::Accent } else { Tone::Dim }));
            runs.push(run("  ", Tone::Dim));
        };
        title(self.name, "NAME", Some(Column::Name));
        title(self.role, "ROLE", None);
        title(self.engine, "ENGINE", Some(Column::Engine));
        title(self.class, "CLASS", None);
        title(self.status, "STATUS", Some(Column::Status));
        title(self.iam, "IAM", Some(Column::Iam));
        title(self.region, "REGION", Some(Column::Region));
        title(self.authority, "CA", None);
        title(self.resource, "RESOURCE ID", None);
        paint::runs(frame, area, &runs, theme, None);
    }

    fn cells(&self, pane: &Pane, row: &Row, selected: bool) -> Vec<Run> {
        let database = pane.database(row);
        let mark = match row.fold {
            Fold::Open => "▾",
            Fold::Closed => "▸",
            Fold::None => " ",
        };
        let bar = if selected { run("▌", Tone::Accent) } else { run(" ", Tone::Text) };
        let mut runs = vec![bar, run(format!("{mark} "), Tone::Dim)];
        let indent = if row.member { "  " } else { "" };
        let name_tone = if row.member { Tone::Text } else { Tone::Strong };
        runs.push(run(indent, Tone::Text));
        let room = self.name.saturating_sub(indent.len());
        let name = text::fit(&database.identifier, room);
        for (at, c) in name.chars().enumerate() {
            let tone = if row.found.contains(&(at as u32)) { Tone::Accent } else { name_tone };
            match runs.last_mut() {
                Some((text, last)) if *last == tone => text.push(c),
                _ => runs.push(run(c, tone)),
            }
        }
        let usable = matches!(database.status.as_str(), "available" | "backing-up");
        let mut cell = |width: usize, content: &str, tone: Tone| {
            if width > 0 {
                runs.push(run("  ", Tone::Text));
                runs.push(run(text::fit(content, width), tone));
            }
        };
        cell(self.role, role(database), if database.role == Role::Writer { Tone::Text } else { Tone::Dim });
        // A member runs its cluster's engine; its class says more, where that has no column of its own.
        let class = database.class.as_deref().unwrap_or_default();
        match row.member {
            true if self.class == 0 => cell(self.engine, class, Tone::Dim),
            true => cell(self.engine, &engine(database), Tone::Dim),
            false => cell(self.engine, &engine(database), Tone::Text),
        }
        cell(self.class, class, Tone::Dim);
        cell(self.status, &database.status, status_tone(&database.status, usable));
        let auth = iam(database.iam);
        cell(
            self.iam,
            auth,
            if auth.starts_with('→') {
                Tone::Warn
            } else if auth == "off" {
                Tone::Dim
            } else {
                Tone::Text
            },
        );
        cell(self.region, &database.place.region, Tone::Dim);
        let authority = database.certificate.as_ref().map_or("", |certificate| short_authority(&certificate.authority));
        cell(self.authority, authority, Tone::Dim);
        cell(self.resource, &database.resource_id, Tone::Dim);
        runs
    }
}

fn status_tone(status: &str, usable: bool) -> Tone {
    match status {
        _ if usable => Tone::Text,
        "stopped" | "stopping" => Tone::Dim,
        status if status.contains("fail") || status.contains("incompatible") || status.contains("inaccessible") => {
            Tone::Bad
        }
        _ => Tone::Warn,
    }
}

fn role(database: &Database) -> &'static str {
    match database.kind {
        DatabaseKind::Cluster => "cluster",
        DatabaseKind::Proxy => "proxy",
        DatabaseKind::Instance => database.role.name(),
    }
}

fn engine(database: &Database) -> String {
    format!("{} {}", database.engine.short(), database.engine_version).trim_end().to_owned()
}

/// `rds-ca-rsa2048-g1` is `rsa2048-g1`: all of RDS's begin alike.
fn short_authority(authority: &str) -> &str {
    authority.strip_prefix("rds-ca-").unwrap_or(authority)
}

fn detail(database: &Database, frame: &mut Frame<'_>, area: Rect, beside: bool, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let mut rows: Vec<Vec<Run>> = vec![vec![run(database.identifier.clone(), Tone::Strong)]];
    let room = usize::from(inner.width).saturating_sub(11);
    for (label, value) in describe(database, false) {
        if label.is_empty() {
            if beside {
                rows.extend(text::wrap(&value, inner.width.into()).into_iter().map(|line| vec![run(line, Tone::Dim)]));
                rows.push(Vec::new());
                continue;
            }
            let last = rows.last_mut().filter(|row| row.len() == 1 && usize::from(inner.width) >= 60);
            match last {
                Some(row) => row.push(run(format!("  {value}"), Tone::Dim)),
                None => rows.push(vec![run(text::truncate(&value, inner.width.into()).into_owned(), Tone::Dim)]),
            }
            continue;
        }
        // Beside the list there is height to spare, below it there is width.
        let values = match (beside, label) {
            (true, _) => text::wrap(&value, room),
            (false, "ARN" | "secret" | "tags" | "network") => vec![text::truncate(&value, room).into_owned()],
            (false, _) => vec![text::truncate_middle(&value, room).into_owned()],
        };
        for (at, value) in values.into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            rows.push(vec![run(text::fit(label, 11), Tone::Dim), run(value, Tone::Text)]);
        }
    }
    let height = usize::from(inner.height);
    if rows.len() > height {
        rows.truncate(height);
        if let Some(last) = rows.last_mut() {
            *last = vec![run("… v shows all", Tone::Dim)];
        }
    }
    for (at, row) in rows.iter().enumerate() {
        paint::runs(frame, layout::below(inner, inner.y + at as u16, 1), row, theme, None);
    }
}
