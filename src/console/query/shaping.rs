//! What people do with rows that came: order and filter them, search, mark, copy, export, and how columns are shown. Turns
//! keys into work for the desk ([`super::desk`]) and what the desk tells into words. It must not do the work.

use super::keymap::Look;
use super::order::{Ask, Order, ResultId};
use super::pane::{Pane, Question, Then};
use super::shape::{Arrangement, By, Format, From, Needle, Part, Plan, Shape, Shaped, Ticket};
use super::sheet::{Sheet, What};
use super::table::{Mark, Table};
use super::text;
use crate::console::theme::Tone;
use crate::model::visible;
use std::path::Path;
use std::time::SystemTime;

/// Bytes of text some terminals take by OSC 52 at most: xterm's and tmux's usual 100,000 with base64's third.
const CAREFUL: usize = 74_994;

/// What is under way, and what is remembered for the next key.
#[derive(Clone, Debug, Default)]
pub(super) struct Shaping {
    /// What lies over the rows.
    pub sheet: Option<Sheet>,
    pub job: Option<Job>,
    tickets: Ticket,
    /// What was looked for last.
    pub needle: Option<Needle>,
    /// An export that was stopped.
    pub parked: Option<Parked>,
    /// A refresh of this result was stopped or failed: it is not begun again by itself.
    tired: Option<ResultId>,
}

/// Work under way.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub ticket: Ticket,
    pub shape: Shape,
    pub began: SystemTime,
    pub done: u64,
    pub total: u64,
}

/// What an export left that was stopped.
#[derive(Clone, Debug)]
pub(super) struct Parked {
    pub result: ResultId,
    pub arrangement: Arrangement,
    /// Of how many rows that was: with more, rows are in another order.
    pub arranged: Option<u64>,
    pub plan: Plan,
    pub part: Part,
}

impl Parked {
    /// Whether going on with it gives what a new export to `path` would.
    pub fn fits(&self, table: &Table, path: &Path, format: Format) -> bool {
        self.result == table.id
            && self.plan.path == path
            && self.plan.format == format
            && self.arrangement == table.arrangement
            && self.arranged == table.arranged
    }
}

/// Whether an export is being written.
pub(super) fn exports(pane: &Pane) -> bool {
    pane.shaping.job.as_ref().is_some_and(|job| matches!(job.shape, Shape::Export { .. }))
}

/// Begins work; an export under way is not thrown over.
pub(super) fn ask(pane: &mut Pane, shape: Shape, orders: &mut Vec<Order>) {
    if exports(pane) {
        pane.say(Tone::Warn, "an export is being written; Ctrl-C stops it");
        return;
    }
    pane.shaping.tickets += 1;
    let ticket = pane.shaping.tickets;
    let total = pane.table().map_or(0, |table| table.rows);
    pane.shaping.job = Some(Job { ticket, shape: shape.clone(), began: pane.now, done: 0, total });
    orders.push(Order::Ask(Ask::Shape(ticket, shape)));
}

/// Stops what is under way; whether there was something.
pub(super) fn halt(pane: &mut Pane, orders: &mut Vec<Order>) -> bool {
    if pane.shaping.job.is_none() {
        return false;
    }
    orders.push(Order::Ask(Ask::Halt));
    true
}

/// Esc: stops work, then lets go of what is marked, then of what is looked for; whether there was something.
pub(super) fn back(pane: &mut Pane, orders: &mut Vec<Order>) -> bool {
    if halt(pane, orders) {
        return true;
    }
    let marked = pane.table_mut().and_then(|table| table.mark.take()).is_some();
    marked || pane.shaping.needle.take().is_some()
}

/// A key of the results that is about shape; whether it was one.
pub(super) fn key(pane: &mut Pane, action: Look, count: Option<u64>, orders: &mut Vec<Order>) -> bool {
    let by = count.unwrap_or(1).min(500) as i64;
    let Some(table) = pane.table_mut() else { return false };
    if table.columns.is_empty() {
        return false;
    }
    let column = table.column;
    match action {
        Look::Narrower | Look::Wider => {
            let width = table.shape.widen(column, if action == Look::Wider { 2 * by } else { -2 * by });
            pane.say(Tone::Dim, format!("{width} wide; = for widths by content"));
        }
        Look::Widths => table.shape.reset_widths(),
        Look::Freeze => {
            let words = match table.shape.freeze(column) {
                0 => "no column stays".to_owned(),
                1 => "the first column stays while the others scroll; F again lets it go".to_owned(),
                n => format!("the first {n} columns stay while the others scroll; F again lets them go"),
            };
            pane.say(Tone::Dim, words);
        }
        Look::Hide => {
            if table.shape.hide(column) {
                let hidden = table.shape.hidden();
                table.column = table.shape.step(column, 0);
                pane.say(Tone::Dim, format!("{hidden} hidden; + shows all columns, and copies and exports have them"));
            } else {
                pane.say(Tone::Dim, "the last column cannot be hidden");
            }
        }
        Look::ShowAll => {
            let hidden = table.shape.show_all();
            pane.say(Tone::Dim, format!("{hidden} shown again"));
        }
        Look::MarkCells | Look::MarkRows => {
            let whole = action == Look::MarkRows;
            table.mark = match table.mark {
                Some(mark) if mark.column.is_none() == whole => None,
                Some(mark) => Some(Mark { column: (!whole).then_some(column), ..mark }),
                None => Some(Mark { row: table.row, column: (!whole).then_some(column) }),
            };
        }
        Look::ExtendUp | Look::ExtendDown | Look::ExtendLeft | Look::ExtendRight => {
            table.mark.get_or_insert(Mark { row: table.row, column: Some(column) });
            match action {
                Look::ExtendUp => table.step(-by),
                Look::ExtendDown => table.step(by),
                Look::ExtendLeft => table.aside(-(by as isize)),
                _ => table.aside(by as isize),
            }
        }
        Look::Sort | Look::SortAlso => {
            let mut arrangement = wanted(pane);
            turn(&mut arrangement.by, column, action == Look::SortAlso);
            arrange(pane, arrangement, orders);
        }
        Look::AsItCame => {
            if wanted(pane).is_plain() {
                pane.say(Tone::Dim, "rows are shown as they came");
            } else {
                arrange(pane, Arrangement::default(), orders);
            }
        }
        Look::FindNext | Look::FindBefore => find(pane, action == Look::FindNext, orders),
        Look::Filter => pane.shaping.sheet = Some(Sheet::filter(&wanted(pane))),
        Look::Find => pane.shaping.sheet = Some(Sheet::find()),
        Look::Jump => pane.shaping.sheet = Some(Sheet::columns(table)),
        Look::CopyMenu => {
            if table.rows == 0 {
                pane.say(Tone::Dim, "the result has no rows");
            } else {
                pane.shaping.sheet = Some(Sheet::copy(table));
            }
        }
        Look::Export => {
            if exports(pane) {
                pane.say(Tone::Warn, "an export is being written; Ctrl-C stops it");
            } else {
                pane.shaping.sheet = Sheet::export(pane);
            }
        }
        _ => return false,
    }
    true
}

/// How the rows in sight are arranged, or will be once what is under way is done: keys add to what was asked for.
pub(super) fn wanted(pane: &Pane) -> Arrangement {
    let Some(table) = pane.table() else { return Arrangement::default() };
    match pane.shaping.job.as_ref().map(|job| &job.shape) {
        Some(Shape::Arrange { result, arrangement }) if *result == table.id => arrangement.clone(),
        _ => table.arrangement.clone(),
    }
}

/// Up, then down, then not at all; `also` leaves the other columns in place.
fn turn(by: &mut Vec<By>, column: usize, also: bool) {
    let now = by.iter().find(|by| by.column == column).copied();
    let next = match now {
        None => Some(By { column, descending: false }),
        Some(By { descending: false, .. }) => Some(By { column, descending: true }),
        Some(_) => None,
    };
    if !also {
        by.clear();
        by.extend(next);
        return;
    }
    match (by.iter().position(|by| by.column == column), next) {
        (Some(at), Some(next)) => by[at] = next,
        (Some(at), None) => drop(by.remove(at)),
        (None, next) => by.extend(next),
    }
}

/// Arranges the rows of the result in sight.
pub(super) fn arrange(pane: &mut Pane, arrangement: Arrangement, orders: &mut Vec<Order>) {
    let Some(result) = pane.table().map(|table| table.id) else { return };
    pane.shaping.tired = None;
    ask(pane, Shape::Arrange { result, arrangement }, orders);
}

/// Looks for what was looked for last.
pub(super) fn find(pane: &mut Pane, forward: bool, orders: &mut Vec<Order>) {
    let Some(needle) = pane.shaping.needle.clone() else {
        pane.say(Tone::Dim, "nothing was looked for yet; / asks");
        return;
    };
    let Some(table) = pane.table() else { return };
    let from = From { row: table.row, column: table.column, forward };
    let result = table.id;
    ask(pane, Shape::Find { result, needle, from }, orders);
}

/// Once a run is over, what came since its rows were arranged is taken in.
pub(super) fn refresh(pane: &mut Pane, orders: &mut Vec<Order>) {
    if pane.run.is_some() || pane.shaping.job.is_some() {
        return;
    }
    let Some(table) = pane.table().filter(|table| table.is_stale()) else { return };
    if pane.shaping.tired != Some(table.id) {
        let (result, arrangement) = (table.id, table.arrangement.clone());
        ask(pane, Shape::Arrange { result, arrangement }, orders);
    }
}

/// What the desk tells.
pub(super) fn hear(pane: &mut Pane, ticket: Ticket, shaped: Shaped, orders: &mut Vec<Order>) {
    // Rows are in the order told last, also if something else was asked for since.
    if let Shaped::Arranged { result, arrangement, rows, of } = &shaped
        && let Some(output) = pane.outputs.iter_mut().find(|output| output.table.id == *result)
    {
        output.table.arrange(arrangement.clone(), *rows, *of);
    }
    let Some(job) = pane.shaping.job.as_mut().filter(|job| job.ticket == ticket) else { return };
    if let Shaped::Progress { done, total } = shaped {
        (job.done, job.total) = (done, total);
        return;
    }
    let Some(job) = pane.shaping.job.take() else { return };
    let so_far = if pane.run.is_some() { " fetched so far" } else { "" };
    match shaped {
        Shaped::Progress { .. } => {}
        Shaped::Arranged { rows, of, arrangement, .. } => {
            if arrangement.is_plain() {
                pane.say(Tone::Dim, "rows are shown as they came");
            } else if arrangement.filter.is_some() {
                let words = format!("{} of {} rows{so_far}", text::grouped(rows), text::grouped(of));
                pane.say(if rows == 0 { Tone::Warn } else { Tone::Dim }, words);
            } else if pane.run.is_some() {
                pane.say(Tone::Dim, format!("the {} rows fetched so far are sorted", text::grouped(rows)));
            }
        }
        Shaped::Found(Some((row, column, around))) => {
            if let Some(table) = pane.table_mut().filter(|table| table.id == job.shape.result()) {
                (table.row, table.column) = (row, column);
                if !table.shape.shown().contains(&column) {
                    table.shape.show_all();
                }
            }
            let words = format!("row {}", text::grouped(row + 1));
            let words = if around { format!("{words}, around the end") } else { words };
            pane.say(Tone::Dim, words);
        }
        Shaped::Found(None) => {
            let rows = pane.table().map_or(0, |table| table.rows);
            let needle = pane.shaping.needle.as_ref().map_or("", Needle::text);
            let words = format!("{} is in none of the {} rows{so_far}", visible(needle), text::grouped(rows));
            pane.say(Tone::Warn, words);
        }
        Shaped::Copied { text, rows } => {
            let unit = if rows == 1 { "row" } else { "rows" };
            let mut words = format!("copied {} {unit}, {}", text::grouped(rows), text::size(text.len() as u64));
            let all = matches!(&job.shape, Shape::Copy { rows, .. } if rows.end == u64::MAX);
            if let Some(why) = lacking(pane, job.shape.result()).filter(|_| all) {
                words.push_str(&format!("; not the whole result: {why}"));
            }
            copied(pane, words, text, orders);
        }
        Shaped::TooBig => {
            let most = text::size(super::desk::MOST_COPIED as u64);
            pane.say(Tone::Warn, format!("more than {most} is too much for a clipboard; e writes a file"));
        }
        Shaped::Written { path, rows, bytes, mode } => {
            if pane.shaping.parked.as_ref().is_some_and(|parked| parked.plan.path == path) {
                pane.shaping.parked = None;
            }
            let mut words = format!(
                "wrote {} rows, {}, to {} (mode {mode:04o})",
                text::grouped(rows),
                text::size(bytes),
                visible(&path.display().to_string())
            );
            let lacks = lacking(pane, job.shape.result());
            lacks.iter().for_each(|why| words.push_str(&format!("; not the whole result: {why}")));
            let tone = if lacks.is_some() { Tone::Warn } else { Tone::Good };
            pane.log.push(super::log::Entry::Said(tone, words.clone()));
            pane.say(tone, words);
        }
        Shaped::Stopped(part) => {
            if let (Shape::Arrange { result, .. }, None) = (&job.shape, &part) {
                pane.shaping.tired = Some(*result);
            }
            match part {
                Some(part) => {
                    let words = left(&part);
                    park(pane, job.shape, part);
                    pane.log.push(super::log::Entry::Said(Tone::Warn, words.clone()));
                    pane.say(Tone::Warn, words);
                }
                None => pane.say(Tone::Dim, "stopped"),
            }
        }
        Shaped::Exists(path) => {
            let name = visible(&path.display().to_string()).into_owned();
            let Shape::Export { result, mut plan, .. } = job.shape else { return };
            plan.overwrite = true;
            let title = format!("{name} is there already. Write over it?");
            let lines = vec!["What is in it is lost once the export is whole.".to_owned()];
            let shape = Shape::Export { result, plan, resume: None };
            pane.question = Some(Question { title, lines, then: Then::Shape(Box::new(shape)) });
        }
        Shaped::Failed { diagnosis, part } => {
            if let Shape::Arrange { result, .. } = &job.shape {
                pane.shaping.tired = Some(*result);
            }
            let mut words = diagnosis.title.clone();
            let free = !pane.is_covered();
            match (part, job.shape) {
                (Some(part), shape) => {
                    words = format!("{words}; {}", left(&part));
                    park(pane, shape, part);
                    pane.say(Tone::Bad, words);
                }
                // What was typed is mended where it was typed.
                (None, Shape::Export { plan, .. }) if free => {
                    let advice = diagnosis.advice.iter().map(|advice| format!(" · {}", advice.say));
                    let wrong = Some(visible(&format!("{words}{}", advice.collect::<String>())).into_owned());
                    let (what, path) = (What::Export(plan.format), plan.path.display().to_string());
                    pane.shaping.sheet = Some(Sheet::Words { what, words: path, wrong });
                }
                (None, _) => pane.say(Tone::Bad, words),
            }
            pane.log.push(super::log::Entry::Failed { diagnosis, place: None, timing: None });
        }
    }
}

/// Why the rows of a result that are kept are not all there are.
pub(super) fn lacking(pane: &Pane, result: ResultId) -> Option<String> {
    let output = pane.outputs.iter().find(|output| output.table.id == result)?;
    if pane.run.as_ref().is_some_and(|run| run.index == output.index && run.answered) {
        return Some("the statement still runs".to_owned());
    }
    match (&output.table.short, output.cut_short) {
        (Some(why), _) => Some(why.clone()),
        (None, Some("cancelled")) => Some("the statement was cancelled".to_owned()),
        (None, Some(_)) => Some("the statement failed before its last row".to_owned()),
        (None, None) => None,
    }
}

fn left(part: &Part) -> String {
    let name = part.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!("not whole: {} has {} rows; e goes on from there", visible(&name), text::grouped(part.rows))
}

fn park(pane: &mut Pane, shape: Shape, part: Part) {
    let Shape::Export { result, plan, .. } = shape else { return };
    // Nothing is arranged anew while an export is written: it is as it was.
    let Some(output) = pane.outputs.iter().find(|output| output.table.id == result) else { return };
    let (arrangement, arranged) = (output.table.arrangement.clone(), output.table.arranged);
    pane.shaping.parked = Some(Parked { result, arrangement, arranged, plan, part });
}

/// Text to the clipboard, and what there is to know about it.
pub(super) fn copied(pane: &mut Pane, words: String, text: String, orders: &mut Vec<Order>) {
    if text.len() > CAREFUL {
        pane.say(Tone::Warn, format!("{words}; some terminals take only {} of it", text::size(CAREFUL as u64)));
    } else {
        pane.say(Tone::Good, words);
    }
    orders.push(Order::Copy(text));
}
