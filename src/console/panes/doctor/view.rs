//! The links on screen: mark, name, finding, time; below them what is broken and what to do first. Where not everything
//! fits, what holds is one line and what was not reached another. It only reads the state.

use super::Pane;
use crate::console::layout;
use crate::console::panes::diagnosis;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::paint::{self, Run, run};
use crate::console::widgets::{spinner, text};
use crate::model::{Check, CheckKind, Verdict, visible};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::{Duration, SystemTime};

/// Columns before what was found, and those for the time.
const LABEL: usize = 5 + 13;
const TIME: usize = 10;

/// Draws the first row.
pub fn draw_header(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme, now: SystemTime) {
    let mut left = vec![run(format!(" {}", pane.name), Tone::Strong), run(" · doctor", Tone::Accent)];
    if !pane.user.is_empty() {
        left.push(run(format!(" · as {}", pane.user), Tone::Text));
    }
    let until = pane.report.as_ref().map_or(now, |(_, at)| *at);
    let elapsed = until.duration_since(pane.since).unwrap_or_default();
    let took = text::took(if pane.report.is_some() { elapsed } else { tenths(elapsed) });
    let right = match &pane.report {
        None => run(format!("{} looking  {took} ", spinner::frame(elapsed)), Tone::Accent),
        Some((report, _)) if report.broken().is_some() => run(format!("broken  {took} "), Tone::Bad),
        Some((report, _)) if report.first().is_some() => run(format!("not all is well  {took} "), Tone::Warn),
        Some(_) => run(format!("well  {took} "), Tone::Good),
    };
    paint::sides(frame, area, &left, &[right], theme);
}

/// Draws all below the header.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, body: Rect, theme: Theme, now: SystemTime) {
    paint::rule(frame, layout::below(body, body.y, 1), theme);
    let area = layout::below(body, body.y + 1, body.height);
    diagnosis::draw(frame, area, &lines(pane, area, now), pane.scroll, theme);
}

/// Tenths, so that a time does not flicker faster than the spinner.
fn tenths(elapsed: Duration) -> Duration {
    Duration::from_millis(elapsed.as_millis() as u64 / 100 * 100)
}

/// Every line there is in that area.
pub fn lines(pane: &Pane, area: Rect, now: SystemTime) -> Vec<Vec<Run>> {
    let below = verdict(pane, area.width);
    let whole = rows(pane, area.width, now);
    let mut lines = whole;
    if !pane.all && pane.report.is_some() && lines.len() + below.len() > usize::from(area.height) {
        lines = folded(pane, area.width);
    }
    lines.extend(below);
    lines
}

/// One row a link; those still to come, dim.
fn rows(pane: &Pane, width: u16, now: SystemTime) -> Vec<Vec<Run>> {
    let mut rows = Vec::new();
    for check in &pane.checks {
        rows.extend(row(check, width, pane.all));
    }
    if let Some((kind, about, since)) = &pane.under_way {
        let elapsed = now.duration_since(*since).unwrap_or_default();
        let took = if elapsed < Duration::from_secs(1) { String::new() } else { text::took(tenths(elapsed)) };
        rows.push(line(spinner::frame(elapsed), Tone::Accent, *kind, &visible(about), &took, width));
    }
    if pane.looks() {
        let reached = |kind: CheckKind| {
            pane.checks.iter().any(|check| check.kind == kind)
                || pane.under_way.as_ref().is_some_and(|(under_way, ..)| *under_way == kind)
        };
        let ahead = CheckKind::ALL.into_iter().filter(|kind| !reached(*kind));
        rows.extend(ahead.map(|kind| vec![run("   · ", Tone::Dim), run(kind.label(), Tone::Dim)]));
    }
    rows
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Ok | Verdict::Likely => Tone::Good,
        Verdict::Doubtful | Verdict::CouldNotLook => Tone::Warn,
        Verdict::Failed => Tone::Bad,
        Verdict::NotApplicable | Verdict::NotReached => Tone::Dim,
    }
}

/// A link: on one line, or whole with its details.
fn row(check: &Check, width: u16, whole: bool) -> Vec<Vec<Run>> {
    let took = check.took.filter(|took| *took >= Duration::from_millis(1)).map(text::took).unwrap_or_default();
    let words = visible(&check.line()).into_owned();
    let (mark, tone) = (check.verdict.mark(), tone(check.verdict));
    if !whole {
        return vec![line(mark, tone, check.kind, &words, &took, width)];
    }
    let room = usize::from(width).saturating_sub(LABEL + TIME).max(20);
    let mut wrapped = text::wrap(&words, room).into_iter();
    let first = wrapped.next().unwrap_or_default();
    let mut rows = vec![line(mark, tone, check.kind, &first, &took, width)];
    let indented = |words: String| vec![run(" ".repeat(LABEL), Tone::Dim), run(words, Tone::Dim)];
    rows.extend(wrapped.map(indented));
    rows.extend(check.details.iter().flat_map(|detail| text::wrap(&visible(detail), room)).map(indented));
    rows
}

fn line(mark: &str, tone: Tone, kind: CheckKind, words: &str, took: &str, width: u16) -> Vec<Run> {
    let room = usize::from(width).saturating_sub(LABEL + TIME);
    let name = if tone == Tone::Good { Tone::Text } else { tone };
    vec![
        run(format!("   {mark} "), tone),
        run(format!("{:<13}", kind.label()), name),
        run(text::fit(&text::truncate(words, room), room), Tone::Dim),
        run(format!("{took:>9}"), Tone::Dim),
    ]
}

/// What holds on one line, what likely does on another, what was not reached on a third, the rest as it is.
fn folded(pane: &Pane, width: u16) -> Vec<Vec<Run>> {
    let holds = |check: &&Check| matches!(check.verdict, Verdict::Ok | Verdict::NotApplicable);
    // IAM's simulation is no look at the thing itself.
    let is_likely = |check: &&Check| check.verdict == Verdict::Likely;
    let is_left = |check: &&Check| check.verdict == Verdict::NotReached;
    let names = |checks: Vec<&Check>| checks.iter().map(|check| check.kind.label()).collect::<Vec<_>>().join(", ");
    let folded = |mark: &str, tone: Tone, words: String| {
        let room = usize::from(width).saturating_sub(7);
        let mut mark = Some(run(format!("   {mark} "), tone));
        text::wrap(&words, room)
            .into_iter()
            .map(|words| vec![mark.take().unwrap_or_else(|| run("     ", Tone::Dim)), run(words, Tone::Dim)])
            .collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    let good: Vec<&Check> = pane.checks.iter().filter(holds).collect();
    if !good.is_empty() {
        lines.extend(folded("✓", Tone::Good, format!("{} hold: {}", good.len(), names(good))));
    }
    let likely: Vec<&Check> = pane.checks.iter().filter(is_likely).collect();
    if !likely.is_empty() {
        let words = format!("{} likely, as IAM's simulation has it: {}", likely.len(), names(likely));
        lines.extend(folded(Verdict::Likely.mark(), Tone::Good, words));
    }
    for check in pane.checks.iter().filter(|check| !holds(check) && !is_likely(check) && !is_left(check)) {
        lines.extend(row(check, width, false));
    }
    let left: Vec<&Check> = pane.checks.iter().filter(is_left).collect();
    if !left.is_empty() {
        lines.extend(folded("·", Tone::Dim, format!("not reached: {}", names(left))));
    }
    lines
}

/// What it comes to.
fn verdict(pane: &Pane, width: u16) -> Vec<Vec<Run>> {
    if let Some(diagnosis) = pane.diagnosis() {
        return diagnosis::lines(diagnosis, width, true);
    }
    let Some((report, _)) = &pane.report else { return Vec::new() };
    if let Some(check) = report.broken() {
        let words = format!("{}: {}", check.kind.label(), visible(&check.found));
        return vec![Vec::new(), vec![run(" ✗ ", Tone::Bad), run(words, Tone::Strong)]];
    }
    let is_in = report.checks.iter().any(|check| check.kind == CheckKind::Login && check.verdict == Verdict::Ok);
    let words = match is_in {
        true => format!("{} takes {}: no link is broken", pane.name, report.user),
        false => format!("No link to {} is broken, as far as could be looked", pane.name),
    };
    vec![Vec::new(), vec![run(" ✓ ", Tone::Good), run(words, Tone::Strong)]]
}
