//! What was found so far, told as it comes: links in order, each with its time. It must not look at anything.

use crate::model::{Check, CheckKind, Diagnosis, DoctorNews, DoctorReport, Step, StepKind, StepState, Verdict};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// A link is broken, and is in the chart: there is no going on.
#[derive(Debug)]
pub(super) struct Broken;

/// The report in the making.
pub(super) struct Chart {
    report: DoctorReport,
    news: Option<UnboundedSender<DoctorNews>>,
    begun: Instant,
}

impl Chart {
    pub(super) fn new(target: String, user: String, news: Option<UnboundedSender<DoctorNews>>) -> Chart {
        let report = DoctorReport { target, user, checks: Vec::new() };
        Chart { report, news, begun: Instant::now() }
    }

    /// As whom, once that is known.
    pub(super) fn named(&mut self, user: &str) {
        self.report.user = user.to_owned();
    }

    /// A link is being looked at.
    pub(super) fn begin(&mut self, kind: CheckKind, about: impl Into<String>) {
        self.begun = Instant::now();
        self.tell(DoctorNews::Begun(kind, about.into()));
    }

    /// It was looked at; its time is what has passed since it was begun, unless it says another.
    pub(super) fn end(&mut self, check: Check) {
        let took = check.took.unwrap_or_else(|| self.begun.elapsed());
        self.put(Check { took: Some(took), ..check });
    }

    /// A link that takes no time of its own.
    pub(super) fn put(&mut self, check: Check) {
        self.report.checks.push(check.clone());
        self.tell(DoctorNews::Done(check));
    }

    /// It is broken.
    pub(super) fn break_at(&mut self, kind: CheckKind, took: Option<Duration>, diagnosis: Diagnosis) -> Broken {
        let check = Check::new(kind, Verdict::Failed, diagnosis.title.clone());
        self.end(Check { took, diagnosis: Some(Box::new(diagnosis)), ..check });
        Broken
    }

    /// Links that this way does not have.
    pub(super) fn skip(&mut self, kinds: &[CheckKind], why: &str) {
        for kind in kinds {
            self.put(Check::new(*kind, Verdict::NotApplicable, why));
        }
    }

    /// Awaits `work` while the steps of its walk become news of links.
    pub(super) async fn follow<T>(
        &mut self,
        mut steps: UnboundedReceiver<Step>,
        mut hear: impl FnMut(&mut Chart, Step),
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                Some(step) = steps.recv() => hear(self, step),
                done = &mut work => {
                    while let Ok(step) = steps.try_recv() {
                        hear(self, step);
                    }
                    return done;
                }
            }
        }
    }

    /// Whether that link was looked at.
    pub(super) fn has(&self, kind: CheckKind) -> bool {
        self.report.checks.iter().any(|check| check.kind == kind)
    }

    /// What was not come to is said so.
    pub(super) fn finish(mut self) -> DoctorReport {
        for kind in CheckKind::ALL {
            if !self.has(kind) {
                self.put(Check::new(kind, Verdict::NotReached, ""));
            }
        }
        self.report.checks.sort_by_key(|check| check.kind);
        self.report
    }

    fn tell(&self, news: DoctorNews) {
        if let Some(told) = &self.news {
            // Whoever listened may have stopped.
            let _ = told.send(news);
        }
    }
}

/// The plain translation of a step into a link: begun, done, failed.
pub(super) fn plain(kind: CheckKind, of: StepKind) -> impl FnMut(&mut Chart, Step) {
    move |chart, step| {
        if step.kind == of {
            as_link(chart, kind, step.state);
        }
    }
}

/// One step as news of one link.
pub(super) fn as_link(chart: &mut Chart, kind: CheckKind, state: StepState) {
    match state {
        StepState::Begun(about) => chart.begin(kind, about),
        StepState::Done(found, took) => chart.end(Check { took: Some(took), ..Check::new(kind, Verdict::Ok, found) }),
        StepState::Failed(diagnosis, took) => {
            chart.break_at(kind, Some(took), *diagnosis);
        }
    }
}
