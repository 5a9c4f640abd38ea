//! How a run stands, in words: for the rule, and for the lines over the rows when something is wrong with the line or a
//! cancel takes its time. It must not know where they are drawn.

use super::pane::{Focus, Output, Pane, Showing, Stop, Work};
use super::shape::By;
use super::table::Table;
use super::{LineHealth, plan, text};
use crate::access::arrange::Filter;
use crate::console::theme::Tone;
use crate::model::visible;

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Whether the rows in sight are of the run before the one that runs.
pub(super) fn shows_previous(pane: &Pane) -> bool {
    let waits = pane.run.as_ref().is_some_and(|run| !run.answered);
    waits && pane.showing == Showing::Rows && pane.table().is_some()
}

/// The result in sight; while something runs, only if it is of what runs.
fn output(pane: &Pane) -> Option<&Output> {
    let output = (pane.showing == Showing::Rows).then(|| pane.output()).flatten()?;
    let its = pane.run.as_ref().is_none_or(|run| run.answered && run.index == output.index);
    its.then_some(output)
}

/// Where in the result one is.
pub(super) fn place(pane: &Pane) -> Option<String> {
    let output = output(pane).filter(|output| output.table.rows > 0 && pane.focus == Focus::Results)?;
    if let Some(tree) = plan::shown(pane) {
        return Some(format!(" node {} of {} ", tree.at + 1, tree.plan.nodes.len()));
    }
    let typed = pane.count.map(|count| format!(" {count}…")).unwrap_or_default();
    let table = &output.table;
    let mut words = format!(" row {}", text::grouped(table.row + 1));
    if let Some((rows, columns)) = table.marked() {
        words.push_str(&format!(" · {} marked", text::grouped(rows.end - rows.start)));
        if let Some(columns) = columns.filter(|columns| columns.len() > 1) {
            words.push_str(&format!(" × {}", columns.len()));
        }
    } else if !table.shape.fit(pane.area.width.saturating_sub(2).into()) || table.shape.hidden() > 0 {
        let (at, all) = (table.column as u64 + 1, table.columns.len() as u64);
        words.push_str(&format!(" · column {} of {}", text::grouped(at), text::grouped(all)));
        if table.shape.hidden() > 0 {
            words.push_str(&format!(", {} hidden", table.shape.hidden()));
        }
    }
    Some(format!("{words}{typed} "))
}

/// Why there are no rows on screen.
pub(super) fn none(pane: &Pane) -> String {
    let filter = pane.table().and_then(|table| table.arrangement.filter.as_ref());
    match filter {
        Some(filter) => format!("no row fits {} · f changes that, u shows all rows", visible(filter.words())),
        None if pane.output().is_some_and(|output| output.told.is_none()) && pane.run.is_some() => {
            "no rows yet".to_owned()
        }
        None => "no rows".to_owned(),
    }
}

/// What runs, or ran last, and what it gave; the most important first.
pub(super) fn parts(pane: &Pane) -> Vec<(String, Tone)> {
    let mut parts = Vec::new();
    if let Some(run) = &pane.run {
        let elapsed = pane.now.duration_since(run.began).unwrap_or_default();
        let frame = SPINNER[(elapsed.as_millis() / 100 % 10) as usize];
        let what = match run.stop {
            Stop::Draining(_) => "cancelled",
            Stop::Asked => "cancelling",
            Stop::Dropped => "dropping the connection",
            Stop::No if run.tried && run.answered => "tried, not kept yet",
            _ if run.returning => "connecting again",
            Stop::No => "running",
            Stop::Unheard | Stop::Unmoved(_) => "not cancelled",
            Stop::Pressing(means) => means.function(),
        };
        let many = run.sent.len();
        let number = if many > 1 { format!(" {}/{many}", run.index + 1) } else { String::new() };
        parts.push((format!("{frame} {what}{number} {}", text::duration(elapsed)), Tone::Accent));
        parts.extend(run.progress.iter().map(|progress| (progress.clone(), Tone::Text)));
    }
    if let Some(job) = &pane.shaping.job {
        let elapsed = pane.now.duration_since(job.began).unwrap_or_default();
        // What is done before anybody can read it is not announced.
        if elapsed.as_millis() >= 100 || job.done > 0 {
            let frame = SPINNER[(elapsed.as_millis() / 100 % 10) as usize];
            let percent = (job.done * 100).checked_div(job.total).unwrap_or(0).min(100);
            parts.push((format!("{frame} {} {percent} %", job.shape.doing()), Tone::Accent));
        }
    }
    if let Some(output) = output(pane) {
        let table = &output.table;
        if pane.outputs.len() > 1 {
            let (at, all) = (pane.dropped + pane.current + 1, pane.dropped + pane.outputs.len());
            parts.push((format!("result {at}/{all}"), Tone::Text));
            let these = match pane.dropped {
                0 => None,
                1 => Some("the first was let go".to_owned()),
                dropped => Some(format!("the first {dropped} were let go")),
            };
            parts.extend(these.map(|these| (these, Tone::Warn)));
        }
        if let Some(title) = &output.title {
            parts.push((title.clone(), Tone::Text));
        }
        let unit = if table.rows == 1 { "row" } else { "rows" };
        let rows = text::grouped(table.rows);
        match table.arrangement.filter.as_ref().and(table.arranged) {
            Some(of) => {
                parts.push((format!("{rows} of {} rows", text::grouped(of)), Tone::Warn));
                let words = table.arrangement.filter.as_ref().map(Filter::words);
                parts.extend(words.map(|words| (text::cut(words, 24).0, Tone::Match)));
            }
            None => parts.push((format!("{rows} {unit}"), Tone::Text)),
        }
        if table.is_stale() {
            parts.push((format!("of {} by now", text::grouped(table.fetched)), Tone::Warn));
        }
        if !table.arrangement.by.is_empty() {
            let by: Vec<String> = table.arrangement.by.iter().map(|by| sorted(table, by)).collect();
            parts.push((format!("by {}", by.join(", ")), Tone::Dim));
        }
        if table.arrangement.is_by_fit() {
            parts.push(("best first".to_owned(), Tone::Dim));
        }
        if pane.run.is_some() && table.bytes > 1 << 20 {
            parts.push((text::size(table.bytes), Tone::Dim));
        }
        if let Some(why) = output.cut_short {
            parts.push((why.to_owned(), if why == "cancelled" { Tone::Warn } else { Tone::Bad }));
        }
        if table.short.is_some() {
            // Why stands in whole below the rows.
            parts.push(("cut short".to_owned(), Tone::Warn));
        }
        if let Some(timing) = &output.told {
            // What a time is made of gives way before it is cut in the middle; the messages have all of it.
            let words = text::timing(timing);
            let taken: usize = parts.iter().map(|(words, _)| text::width(words, 999) + 3).sum();
            let fits = taken + text::width(&words, 999) + 4 <= pane.area.width.into();
            parts.push((if fits { words } else { text::duration(timing.total) }, Tone::Dim));
        }
    } else if shows_previous(pane) {
        parts.push(("below: the previous result".to_owned(), Tone::Dim));
    } else if pane.run.is_none() {
        match pane.work {
            Work::Done => parts.push(("done".to_owned(), Tone::Good)),
            Work::Failed => parts.push(("failed".to_owned(), Tone::Bad)),
            Work::Cancelled => parts.push(("cancelled".to_owned(), Tone::Warn)),
            Work::Fresh | Work::Running | Work::Closed => {}
        }
    }
    parts
}

fn sorted(table: &Table, by: &By) -> String {
    let name = text::cut(&table.columns[by.column].name, 20).0;
    format!("{name}{}", if by.descending { " ▼" } else { " ▲" })
}

/// What there is to know of a line that is lost, or of a cancel that takes its time.
pub(super) fn trouble(pane: &Pane) -> Option<(Tone, String)> {
    let run = pane.run.as_ref()?;
    let line = match &pane.health {
        LineHealth::Up => None,
        LineHealth::Lost { since, attempts, reason } => {
            let since = text::seconds(pane.now.duration_since(*since).unwrap_or_default());
            let reason = reason.split('\n').next().unwrap_or_default().trim_end();
            let dials = match attempts {
                0 => "gatepost is dialling again".to_owned(),
                attempts => format!("gatepost is dialling again (attempt {attempts})"),
            };
            Some(format!("the tunnel was lost {since} ago; {dials}: {reason}"))
        }
        LineHealth::Ended(diagnosis) => Some(diagnosis.title.clone()),
    };
    let drop = "Ctrl-C: drop the connection (the statement may or may not have run)";
    match (&run.stop, line) {
        (Stop::Draining(bytes), _) => {
            let size = text::size(*bytes);
            let words = format!(
                "cancelled; what was under way is being thrown away ({size} so far), so that this session's transaction \
                 and settings live on. Ctrl-C: drop the connection instead"
            );
            Some((Tone::Warn, words))
        }
        (Stop::Unheard, line) => {
            let why = line.unwrap_or_else(|| "the server could not be reached, and is being asked again".to_owned());
            Some((Tone::Bad, format!("not cancelled: {why}. {drop}")))
        }
        (Stop::Unmoved(Some(means)), None) => {
            let words = format!(
                "the server has heard of the cancel and goes on. Ctrl-C: stop the backend by {}",
                means.function()
            );
            Some((Tone::Warn, words))
        }
        (Stop::Unmoved(None) | Stop::Pressing(_), None) => Some((Tone::Warn, format!("the server goes on. {drop}"))),
        (Stop::Unmoved(_) | Stop::Pressing(_) | Stop::Asked, Some(line)) => {
            Some((Tone::Bad, format!("{line}. {drop}")))
        }
        (Stop::No | Stop::Dropped, Some(line)) => Some((Tone::Bad, line)),
        (_, None) => None,
    }
}
