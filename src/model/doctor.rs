//! What the doctor found: the chain from settings to a server that answers, one check a link, and the one thing to do
//! first. Plain data for a screen, a transcript or JSON. It must not know how a link is looked at.

use super::{Advice, Diagnosis};
use std::time::Duration;

/// A link of the chain, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckKind {
    /// Settings and profile.
    Settings,
    /// AWS credentials: had, whose, until when.
    Credentials,
    /// This machine's clock against AWS's.
    Clock,
    /// Whether AWS answers in the region, and what stands between.
    Region,
    /// The database as AWS lists it: state, engine, IAM flag, public or private.
    Database,
    /// `rds-db:connect`, simulated.
    ConnectPolicy,
    /// Bastions, ranked, or why none is needed.
    Bastion,
    /// `ssm:StartSession` on bastion and document, simulated.
    StartPolicy,
    /// `ssm:ResumeSession`, simulated.
    ResumePolicy,
    /// `ssm:TerminateSession`, simulated.
    TerminatePolicy,
    /// A session is started.
    Session,
    /// Its agent shakes hands.
    Handshake,
    /// The database's name, as the agent (or this machine) sees it.
    Dns,
    /// host:port is reached.
    Port,
    /// TLS is offered: protocol.
    Tls,
    /// The server's certificate: chain, names, dates, issuer, root.
    Certificate,
    /// The login.
    Login,
    /// The role: rds_iam, rds_ad, connection limit.
    Role,
    /// The server: version, recovery, read-only, uptime.
    Server,
}

impl CheckKind {
    /// Every link, in order.
    pub const ALL: [CheckKind; 19] = [
        CheckKind::Settings,
        CheckKind::Credentials,
        CheckKind::Clock,
        CheckKind::Region,
        CheckKind::Database,
        CheckKind::ConnectPolicy,
        CheckKind::Bastion,
        CheckKind::StartPolicy,
        CheckKind::ResumePolicy,
        CheckKind::TerminatePolicy,
        CheckKind::Session,
        CheckKind::Handshake,
        CheckKind::Dns,
        CheckKind::Port,
        CheckKind::Tls,
        CheckKind::Certificate,
        CheckKind::Login,
        CheckKind::Role,
        CheckKind::Server,
    ];

    /// For a column: a word or two.
    pub fn label(self) -> &'static str {
        match self {
            CheckKind::Settings => "settings",
            CheckKind::Credentials => "credentials",
            CheckKind::Clock => "clock",
            CheckKind::Region => "region",
            CheckKind::Database => "database",
            CheckKind::ConnectPolicy => "may connect",
            CheckKind::Bastion => "bastion",
            CheckKind::StartPolicy => "may start",
            CheckKind::ResumePolicy => "may resume",
            CheckKind::TerminatePolicy => "may end",
            CheckKind::Session => "session",
            CheckKind::Handshake => "handshake",
            CheckKind::Dns => "DNS",
            CheckKind::Port => "port",
            CheckKind::Tls => "TLS",
            CheckKind::Certificate => "certificate",
            CheckKind::Login => "login",
            CheckKind::Role => "role",
            CheckKind::Server => "server",
        }
    }

    /// For programs: stable, lower case, with underscores.
    pub fn name(self) -> &'static str {
        match self {
            CheckKind::ConnectPolicy => "connect_policy",
            CheckKind::StartPolicy => "start_session_policy",
            CheckKind::ResumePolicy => "resume_session_policy",
            CheckKind::TerminatePolicy => "terminate_session_policy",
            CheckKind::Dns => "dns",
            CheckKind::Tls => "tls",
            other => other.label(),
        }
    }
}

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Looked at, and well.
    Ok,
    /// Likely well; only trying proves it.
    Likely,
    /// Likely not well, or not well for something beside this way; the way goes on.
    Doubtful,
    /// Broken.
    Failed,
    /// It could not be looked at.
    CouldNotLook,
    /// There is no such link on this way.
    NotApplicable,
    /// It comes after a break.
    NotReached,
}

impl Verdict {
    /// In words; the name in JSON is this with underscores.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Likely => "likely",
            Verdict::Doubtful => "doubtful",
            Verdict::Failed => "failed",
            Verdict::CouldNotLook => "could not look",
            Verdict::NotApplicable => "not applicable",
            Verdict::NotReached => "not reached",
        }
    }

    /// The mark in front of a line. No two are alike without colour.
    pub fn mark(self) -> &'static str {
        match self {
            Verdict::Ok => "✓",
            Verdict::Likely => "≈",
            Verdict::Doubtful => "!",
            Verdict::Failed => "✗",
            Verdict::CouldNotLook => "?",
            Verdict::NotApplicable => "-",
            Verdict::NotReached => "·",
        }
    }
}

/// One link, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub kind: CheckKind,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found, on one line.
    pub found: String,
    /// More of it, a line each.
    pub details: Vec<String>,
    /// How long looking took, where it took its own time.
    pub took: Option<Duration>,
    /// Why, and what to do, where it is not well.
    pub diagnosis: Option<Box<Diagnosis>>,
}

impl Check {
    /// A verdict with what was found.
    pub fn new(kind: CheckKind, verdict: Verdict, found: impl Into<String>) -> Check {
        Check { kind, verdict, found: found.into(), details: Vec::new(), took: None, diagnosis: None }
    }

    /// Verdict and finding on one line: the verdict in words where it is more than a plain yes or no.
    pub fn line(&self) -> String {
        let words = self.verdict.words();
        match self.verdict {
            Verdict::Ok | Verdict::Failed => self.found.clone(),
            _ if self.found.is_empty() => words.to_owned(),
            _ => format!("{words}: {}", self.found),
        }
    }
}

/// News while the doctor looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoctorNews {
    /// A link is being looked at: which, and what it is about.
    Begun(CheckKind, String),
    /// It was looked at.
    Done(Check),
}

/// The whole chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoctorReport {
    /// What was asked about: the name given, or the endpoint's owner.
    pub target: String,
    /// As whom; empty where nobody was named.
    pub user: String,
    /// Every link, in order.
    pub checks: Vec<Check>,
}

impl DoctorReport {
    /// The first broken link.
    pub fn broken(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.verdict == Verdict::Failed)
    }

    /// The link to look at first, and the one thing to do about it, where there is one that is known to help: the first
    /// broken link; where none is broken, the first doubtful one of which more is known than that.
    pub fn first(&self) -> Option<(&Check, Option<&Advice>)> {
        let doubtful =
            || self.checks.iter().find(|check| check.verdict == Verdict::Doubtful && check.diagnosis.is_some());
        let check = self.broken().or_else(doubtful)?;
        Some((check, check.diagnosis.as_ref().and_then(|diagnosis| diagnosis.advice.first())))
    }

    /// Exit status, by the first broken link.
    pub fn exit_status(&self) -> u8 {
        match self.broken() {
            None => 0,
            Some(check) => check.diagnosis.as_ref().map_or(3, |diagnosis| diagnosis.kind.exit_status()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use std::collections::HashSet;

    #[test]
    fn the_first_broken_link_gives_status_and_advice() {
        let mut report = DoctorReport::default();
        assert_eq!((report.exit_status(), report.first()), (0, None));
        let check = |kind, verdict, class, say: &str| Check {
            diagnosis: Some(Box::new(Diagnosis::new(class, "x").advise(say))),
            ..Check::new(kind, verdict, "x")
        };
        report.checks.push(check(CheckKind::Clock, Verdict::Doubtful, Kind::Local, "set the clock"));
        assert_eq!(report.exit_status(), 0, "the way goes on");
        let first = |report: &DoctorReport| {
            let (check, advice) = report.first().expect("something to look at");
            (check.kind, advice.map(|advice| advice.say.clone()))
        };
        assert_eq!(first(&report), (CheckKind::Clock, Some("set the clock".to_owned())));
        report.checks.push(check(CheckKind::Session, Verdict::Failed, Kind::AccessDenied, "add the statement"));
        report.checks.push(check(CheckKind::Login, Verdict::Failed, Kind::TokenRefused, "not first"));
        assert_eq!(report.exit_status(), 4);
        assert_eq!(first(&report), (CheckKind::Session, Some("add the statement".to_owned())));
        // A break that nobody knows a mend for is one all the same.
        report.checks[1].diagnosis = Some(Box::new(Diagnosis::new(Kind::AwsRefused, "x")));
        assert_eq!((report.exit_status(), first(&report)), (4, (CheckKind::Session, None)));
    }

    #[test]
    fn names_are_stable_and_no_two_are_alike() {
        let names: HashSet<&str> = CheckKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), CheckKind::ALL.len());
        assert!(CheckKind::ALL.is_sorted());
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')), "{names:?}");
    }

    #[test]
    fn a_line_says_its_verdict() {
        let line = |verdict, found: &str| Check::new(CheckKind::Session, verdict, found).line();
        assert_eq!(line(Verdict::Ok, "bastion-a"), "bastion-a");
        assert_eq!(line(Verdict::NotReached, ""), "not reached");
        assert_eq!(line(Verdict::NotApplicable, "a direct line"), "not applicable: a direct line");
        assert_eq!(line(Verdict::Doubtful, "denied"), "doubtful: denied");
    }
}
