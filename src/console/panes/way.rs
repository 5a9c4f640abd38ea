//! The way to a session, or to a forwarded port, as steps with times; a failed step opens its diagnosis in place. It must
//! not know how the way is walked.

use super::diagnosis;
use crate::console::layout;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::paint::{self, run};
use crate::console::widgets::{spinner, text};
use crate::model::{Diagnosis, Step, StepKind, StepState};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::{Duration, SystemTime};

/// Every link, in order.
const LINKS: [StepKind; 7] = [
    StepKind::Credentials,
    StepKind::Route,
    StepKind::Session,
    StepKind::Handshake,
    StepKind::Database,
    StepKind::Tls,
    StepKind::Login,
];

/// One link and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Which.
    pub kind: StepKind,
    /// What it is about, or what was found.
    pub about: String,
    /// How it stands.
    pub state: LinkState,
}

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Under way since.
    Begun(SystemTime),
    /// Done, in.
    Done(Duration),
    /// Failed, after.
    Failed(Duration),
}

/// The way as far as it was walked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// When the first step was taken.
    pub since: SystemTime,
    /// The links that were told of, in order.
    pub links: Vec<Link>,
    /// The last link there will be.
    pub until: StepKind,
    /// Why it ended before its end.
    pub failed: Option<diagnosis::Pane>,
}

impl Way {
    /// Nothing walked yet.
    pub fn new(until: StepKind, now: SystemTime) -> Way {
        Way { since: now, links: Vec::new(), until, failed: None }
    }

    /// A step is told.
    pub fn step(&mut self, step: &Step, now: SystemTime) {
        let at = match self.links.iter().position(|link| link.kind == step.kind) {
            Some(at) => at,
            None => {
                let at = self.links.iter().position(|link| link.kind > step.kind).unwrap_or(self.links.len());
                let link = Link { kind: step.kind, about: String::new(), state: LinkState::Begun(now) };
                self.links.insert(at, link);
                at
            }
        };
        let link = &mut self.links[at];
        match &step.state {
            StepState::Begun(about) => {
                link.about.clone_from(about);
                link.state = LinkState::Begun(now);
            }
            StepState::Done(found, took) => {
                if !found.is_empty() {
                    link.about.clone_from(found);
                }
                link.state = LinkState::Done(*took);
            }
            StepState::Failed(_, took) => link.state = LinkState::Failed(*took),
        }
    }

    /// It failed. The link that was under way is the one that failed.
    pub fn fail(&mut self, diagnosis: Diagnosis, now: SystemTime) {
        for link in &mut self.links {
            if let LinkState::Begun(since) = link.state {
                link.state = LinkState::Failed(now.duration_since(since).unwrap_or_default());
            }
        }
        self.failed = Some(diagnosis::Pane::new(diagnosis));
    }

    /// Whether it is being walked.
    pub fn walks(&self) -> bool {
        self.failed.is_none()
    }

    /// The links still to come. Links before one that was told of were skipped (a direct line has no session).
    fn ahead(&self) -> impl Iterator<Item = StepKind> + '_ {
        let reached = self.links.last().map(|link| link.kind);
        LINKS.into_iter().filter(move |kind| *kind <= self.until && reached.is_none_or(|reached| *kind > reached))
    }

    /// Rows that the links take.
    pub fn height(&self) -> u16 {
        let ahead = if self.walks() { self.ahead().count() } else { 0 };
        (self.links.len() + ahead) as u16
    }

    /// The part of `area` that the diagnosis takes.
    pub fn diagnosis_area(&self, area: Rect) -> Rect {
        let top = area.y + self.height();
        layout::below(area, top, area.height)
    }
}

/// Draws the links, and the diagnosis below them when one failed.
pub fn view(way: &Way, frame: &mut Frame<'_>, area: Rect, theme: Theme, now: SystemTime) {
    let mut y = area.y;
    for link in &way.links {
        let (mark, tone, took) = match link.state {
            LinkState::Begun(since) => {
                let elapsed = now.duration_since(since).unwrap_or_default();
                // Tenths, so that the time does not flicker faster than the spinner.
                let tenths = Duration::from_millis(elapsed.as_millis() as u64 / 100 * 100);
                let took = if tenths < Duration::from_secs(1) { String::new() } else { text::took(tenths) };
                (spinner::frame(elapsed), Tone::Accent, took)
            }
            LinkState::Done(took) => ("✓", Tone::Good, text::took(took)),
            LinkState::Failed(took) => ("✗", Tone::Bad, text::took(took)),
        };
        let failed = matches!(link.state, LinkState::Failed(_));
        let name_tone = if failed { Tone::Bad } else { Tone::Text };
        let row = layout::below(area, y, 1);
        let right = format!("{took:>9}  ");
        let room = usize::from(row.width).saturating_sub(19 + right.len());
        let about = if link.about.contains(' ') {
            text::truncate(&link.about, room)
        } else {
            text::truncate_middle(&link.about, room)
        };
        let left = [
            run(format!("   {mark} "), tone),
            run(format!("{:<13}", link.kind.name()), name_tone),
            run(about, Tone::Dim),
        ];
        paint::sides(frame, row, &left, &[run(right, Tone::Dim)], theme);
        y += 1;
    }
    if let Some(failed) = &way.failed {
        diagnosis::view(failed, frame, way.diagnosis_area(area), theme);
        return;
    }
    for kind in way.ahead() {
        let row = layout::below(area, y, 1);
        let line = [run("   · ", Tone::Dim), run(kind.name(), Tone::Dim)];
        paint::runs(frame, row, &line, theme, None);
        y += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn step(kind: StepKind, state: StepState) -> Step {
        Step { kind, state }
    }

    #[test]
    fn links_that_a_direct_line_skips_are_not_awaited() {
        let now = SystemTime::UNIX_EPOCH;
        let mut way = Way::new(StepKind::Login, now);
        assert_eq!(way.height(), 7);
        way.step(&step(StepKind::Credentials, StepState::Done("ok".into(), Duration::ZERO)), now);
        way.step(&step(StepKind::Route, StepState::Done("direct".into(), Duration::ZERO)), now);
        assert_eq!(way.height(), 7);
        way.step(&step(StepKind::Database, StepState::Begun("db:5432".into())), now);
        assert_eq!(way.ahead().collect::<Vec<_>>(), [StepKind::Tls, StepKind::Login]);
        assert_eq!(way.height(), 5);
    }

    #[test]
    fn the_link_under_way_is_the_one_that_failed() {
        let now = SystemTime::UNIX_EPOCH;
        let mut way = Way::new(StepKind::Login, now);
        way.step(&step(StepKind::Credentials, StepState::Begun(String::new())), now);
        way.fail(Diagnosis::new(Kind::LoginEnded, "Your AWS login has ended"), now + Duration::from_secs(2));
        assert_eq!(way.links[0].state, LinkState::Failed(Duration::from_secs(2)));
        assert!(!way.walks());
    }
}
