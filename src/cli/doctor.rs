//! `gatepost doctor`: every link of the chain from settings to login, each with verdict and time, and the one thing to do
//! first. It must not look at anything itself, nor make words for what it is told.

use super::login::{LoginArgs, Way};
use super::{Failure, Terminal, password};
use crate::access::Access;
use crate::access::doctor::{Subject, Wish};
use crate::model::{
    Advice, Auth, Check, CheckKind, Diagnosis, DoctorNews, DoctorReport, RouteChoice, Turn, Verdict, visible,
};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

/// Look at the whole chain from credentials to login, and say what to do first
///
/// Each link is one line: settings, credentials, clock, region, the database as AWS lists it, what IAM's policies likely
/// allow (simulated: likely, never proof), the bastion and why that one, session, handshake, DNS, port, TLS, certificate,
/// login, role, server. It stops where going on makes no sense. It changes nothing: the session it opens it ends, and it
/// only reads. Marks: ✓ ok, ≈ likely, ! doubtful, ✗ failed, ? could not look, - not applicable, · not reached.
///
/// Exit status, by the first broken link: 0 none is broken, 2 usage, 3 could not connect, 4 AWS refused or its login has
/// ended.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id or ARN
    pub name: String,
    /// Database user, exactly as the database spells it [default: the one used last, else the setting `user`]
    #[arg(long, short)]
    pub user: Option<String>,
    /// Database to log in to [default: the one it was created with, else postgres]
    #[arg(long, short)]
    pub database: Option<String>,
    /// Bastion by id or name, or `direct` [default: what fits best]
    #[arg(long, value_name = "BASTION")]
    pub via: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment on a flattened group would become help text")]
    pub login: LoginArgs,
    /// More of what was found, below each link
    #[arg(long)]
    pub details: bool,
    /// One JSON object: target, user, healthy, exit_status, first, checks
    #[arg(long)]
    pub json: bool,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal) -> Result<(), Failure> {
    let wish = Wish {
        subject: Subject::Named(args.name.clone()),
        user: args.user.clone(),
        database: args.database.clone(),
        route: args.via.as_deref().map(RouteChoice::parse).unwrap_or_default(),
        auth: auth(access, args).await?,
    };
    let (news, mut told) = unbounded_channel();
    let looking = access.doctor(&wish, Some(news));
    tokio::pin!(looking);
    let page = Page { details: args.details, terminal };
    let report = loop {
        tokio::select! {
            biased;
            Some(news) = told.recv() => if !args.json { page.tell(&news)? },
            report = &mut looking => break report,
        }
    };
    while let Ok(news) = told.try_recv() {
        if !args.json {
            page.tell(&news)?;
        }
    }
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{:#}", object(&report))?;
    } else {
        page.end(&mut stdout, &report)?;
    }
    stdout.flush()?;
    drop(stdout);
    match report.exit_status() {
        0 => Ok(()),
        status => Err(Failure::Told(status)),
    }
}

/// How to log in. A password is had before anything is looked at, so that nothing waits for it in the middle.
async fn auth(access: &Access, args: &Args) -> Result<Auth, Diagnosis> {
    Ok(match args.login.way()?.unwrap_or(Way::Iam) {
        Way::Iam => Auth::Iam,
        Way::Secret => Auth::SecretsManager(args.login.secret.clone()),
        Way::Passfile => Auth::Passfile,
        Way::Command => Auth::Command,
        Way::Kerberos => Auth::Kerberos,
        Way::Password => match password::of_environment() {
            Some(password) => Auth::Password(password),
            None => {
                let user = args.user.clone().or_else(|| access.settings().user.clone()).unwrap_or_default();
                Auth::Password(password::ask_for(&user, &args.name).await?)
            }
        },
    })
}

/// Where lines go, and how much they say.
struct Page<'a> {
    details: bool,
    terminal: &'a Terminal,
}

/// Mark, time, label: what stands before what was found.
const INDENT: usize = 3 + 9 + 2 + 13;

impl Page<'_> {
    fn tell(&self, news: &DoctorNews) -> io::Result<()> {
        match news {
            DoctorNews::Begun(kind, about) if self.terminal.stderr => {
                let about: String = visible(about).chars().take(50).collect();
                let mut stderr = io::stderr().lock();
                write!(stderr, "\r\x1b[K   {:>9}  {:<13}{about}", "…", kind.label())?;
                stderr.flush()
            }
            DoctorNews::Begun(..) => Ok(()),
            DoctorNews::Done(check) => {
                if self.terminal.stderr {
                    write!(io::stderr().lock(), "\r\x1b[K")?;
                }
                let mut stdout = io::stdout().lock();
                self.line(&mut stdout, check)?;
                stdout.flush()
            }
        }
    }

    fn line(&self, out: &mut impl Write, check: &Check) -> io::Result<()> {
        let took = check.took.map(took).unwrap_or_default();
        let code = match check.verdict {
            Verdict::Ok | Verdict::Likely => "32",
            Verdict::Doubtful | Verdict::CouldNotLook => "33",
            Verdict::Failed => "31",
            Verdict::NotApplicable | Verdict::NotReached => "2",
        };
        let mark = self.paint(code, check.verdict.mark());
        let words = visible(&check.line()).into_owned();
        let mut lines = wrapped(&words, self.room()).into_iter();
        let first = lines.next().unwrap_or_default();
        let took = self.paint("2", &format!("{took:>9}"));
        writeln!(out, " {mark} {took}  {:<13}{first}", check.kind.label())?;
        for line in lines {
            writeln!(out, "{:INDENT$}{line}", "")?;
        }
        if self.details {
            for detail in &check.details {
                for line in wrapped(&visible(detail), self.room()) {
                    writeln!(out, "{:INDENT$}{}", "", self.paint("2", &line))?;
                }
            }
        }
        Ok(())
    }

    /// What it comes to: what is broken, the one thing to do first, what else could be done.
    fn end(&self, out: &mut impl Write, report: &DoctorReport) -> io::Result<()> {
        writeln!(out)?;
        let (target, user) = (visible(&report.target), visible(&report.user));
        let is = |kind: CheckKind| report.checks.iter().any(|check| check.kind == kind && check.verdict == Verdict::Ok);
        match (report.broken(), is(CheckKind::Login)) {
            // Its line above says what is broken, where no more is known.
            (Some(_), _) => {}
            (None, true) => writeln!(out, "{target} takes {user}: no link is broken")?,
            (None, false) => writeln!(out, "No link to {target} is broken, as far as could be looked")?,
        }
        let Some((check, _)) = report.first() else { return Ok(()) };
        let Some(diagnosis) = check.diagnosis.as_deref() else { return Ok(()) };
        let (red, label) = if check.verdict == Verdict::Failed { ("1;31", "broken") } else { ("1;33", "doubtful") };
        let words = Diagnosis { advice: Vec::new(), ..diagnosis.clone() };
        writeln!(out, "{} {words}", self.paint(red, &format!("{label}: {}:", check.kind.label())))?;
        for (at, advice) in diagnosis.advice.iter().enumerate() {
            let when = match advice.turn() {
                _ if at == 0 => self.paint("1", "Do this first:") + " ",
                (Turn::Instead, _) => "If that is not it: ".to_owned(),
                // Its own words say how it follows.
                (Turn::Or | Turn::Next, _) => String::new(),
            };
            writeln!(out, "\n{when}{}", visible(&advice.say))?;
            for line in advice.paste.iter().flat_map(|paste| paste.lines()) {
                writeln!(out, "  {}", visible(line))?;
            }
        }
        Ok(())
    }

    fn room(&self) -> Option<usize> {
        self.terminal.width.map(|width| width.saturating_sub(INDENT).max(30))
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.terminal.color_on_stdout() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// At blanks, where there is a width to hold to; a longer word stays whole, to be copied.
fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always one");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

fn took(took: Duration) -> String {
    match took.as_millis() {
        0 => "0 ms".to_owned(),
        ms @ 1..10_000 => format!("{ms} ms"),
        ms => format!("{:.1} s", ms as f64 / 1000.0),
    }
}

/// The report for programs. Names are stable: those of `CheckKind::name`, `Verdict::words` with underscores, `Kind::name`.
fn object(report: &DoctorReport) -> Value {
    let first = report.first().map(|(check, advice)| {
        let mut first = advice.map_or_else(|| json!({ "say": null, "paste": null }), advised);
        first["check"] = check.kind.name().into();
        first
    });
    json!({
        "target": report.target,
        "user": report.user,
        "healthy": report.broken().is_none(),
        "exit_status": report.exit_status(),
        "first": first,
        "checks": report.checks.iter().map(checked).collect::<Vec<_>>(),
    })
}

fn checked(check: &Check) -> Value {
    json!({
        "check": check.kind.name(),
        "verdict": check.verdict.words().replace(' ', "_"),
        "found": check.found,
        "details": check.details,
        "milliseconds": check.took.map(|took| took.as_secs_f64() * 1000.0),
        "diagnosis": check.diagnosis.as_deref().map(|diagnosis| json!({
            "kind": diagnosis.kind.name(),
            "title": diagnosis.title,
            "because": diagnosis.because,
            "advice": diagnosis.advice.iter().map(advised).collect::<Vec<_>>(),
            "code": diagnosis.code,
        })),
    })
}

fn advised(advice: &Advice) -> Value {
    json!({ "say": advice.say, "paste": advice.paste })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CheckKind, Kind};

    #[test]
    fn a_long_finding_hangs_below_its_beginning() {
        assert_eq!(wrapped("a bb ccc", Some(4)), ["a bb", "ccc"]);
        assert_eq!(wrapped("aaaaaaaa b", Some(4)), ["aaaaaaaa", "b"]);
        assert_eq!(wrapped("a bb ccc", None), ["a bb ccc"]);
    }

    /// What it comes to for a login that failed for that.
    fn ends(diagnosis: Diagnosis) -> String {
        let broken =
            Check { diagnosis: Some(Box::new(diagnosis)), ..Check::new(CheckKind::Login, Verdict::Failed, "no") };
        let report = DoctorReport { target: "t".to_owned(), user: "u".to_owned(), checks: vec![broken] };
        let terminal = Terminal { stdout: false, stderr: false, width: None, color: false, verbose: false };
        let mut out = Vec::new();
        Page { details: false, terminal: &terminal }.end(&mut out, &report).expect("memory takes it");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_break_that_nobody_knows_a_mend_for_is_told_with_its_causes() {
        let said = ends(Diagnosis::new(Kind::LoginRefused, "not accepting connections").because("SQLSTATE 55000"));
        assert_eq!(said, "\nbroken: login: not accepting connections\n  because: SQLSTATE 55000\n");
    }

    #[test]
    fn a_step_that_follows_is_no_alternative() {
        let key = Diagnosis::new(Kind::NotAvailable, "its key is disabled")
            .advise("Enable the key")
            .advise("Then start it")
            .advise("Then, when it runs, wait")
            .advise("Or restore it")
            .advise("See what happened");
        let said = ends(key);
        let advice: Vec<&str> = said.lines().skip(2).filter(|line| !line.is_empty()).collect();
        assert_eq!(
            advice,
            [
                "Do this first: Enable the key",
                "Then start it",
                "Then, when it runs, wait",
                "Or restore it",
                "If that is not it: See what happened"
            ]
        );
    }

    #[test]
    fn the_object_names_the_first_thing_to_do() {
        let diagnosis = Diagnosis::new(Kind::TokenRefused, "no").advise_paste("do", "it");
        let broken = Check {
            diagnosis: Some(Box::new(diagnosis)),
            took: Some(Duration::from_micros(1500)),
            ..Check::new(CheckKind::Login, Verdict::Failed, "no")
        };
        let report = DoctorReport { target: "t".to_owned(), user: "u".to_owned(), checks: vec![broken] };
        let object = object(&report);
        assert_eq!(object["exit_status"], 3);
        assert_eq!(object["healthy"], false);
        assert_eq!(object["first"], json!({"check": "login", "say": "do", "paste": "it"}));
        assert_eq!(object["checks"][0]["milliseconds"], 1.5);
        assert_eq!(object["checks"][0]["diagnosis"]["kind"], "token_refused");
        let mut unknown = report.clone();
        unknown.checks[0].diagnosis = Some(Box::new(Diagnosis::new(Kind::LoginRefused, "no")));
        let object = super::object(&unknown);
        assert_eq!(object["first"], json!({"check": "login", "say": null, "paste": null}));
    }
}
