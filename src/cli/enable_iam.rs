//! `gatepost enable-iam`: IAM database authentication switched on, after the database's name was typed. It must not know how
//! AWS is told.

use super::{Failure, Interrupt, Terminal};
use crate::access::Access;
use crate::access::enable_iam::{consequences_of, plan};
use crate::access::handoff::quote;
use crate::model::{Diagnosis, IamAuth, IamPlan, IamProgress, Kind, When, visible};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::time::Instant;

/// Switch IAM database authentication on, so that a database takes tokens
///
/// Of a member of a cluster it is the cluster that is changed. What it means is said first, and the name of what is changed has
/// to be typed; then it is followed until it is done. It is not switched off again by gatepost.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id or ARN
    pub name: String,
    /// In the next maintenance window, instead of at once
    #[arg(long)]
    pub at_window: bool,
    /// The name of what is changed, for scripts: instead of being asked for it
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Do not wait until it is done
    #[arg(long)]
    pub no_wait: bool,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, _terminal: &Terminal, mut interrupt: Interrupt) -> Result<(), Failure> {
    let asking = async {
        let database = access.find(&args.name).await?.database;
        let inventory = access.inventory(&database.place).await?;
        let plan = plan(&database, &inventory.databases)?;
        let standing = access.iam_progress(&plan).await?;
        Ok::<_, Diagnosis>((plan, standing))
    };
    let (plan, standing) = tokio::select! {
        asked = asking => asked?,
        signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
    };
    let when = if args.at_window { When::Window } else { When::Now };
    announce(&plan, &standing, when)?;
    let typed = match &args.confirm {
        Some(name) => name.clone(),
        None => tokio::select! {
            typed = ask(&plan.identifier) => typed?,
            signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
        },
    };
    if typed != plan.identifier {
        return Err(Diagnosis::new(Kind::Usage, "Nothing was changed")
            .because(format!("{:?} was typed, and {:?} expected", typed, plan.identifier))
            .into());
    }
    let begun = Instant::now();
    access.enable_iam(&plan, when).await?;
    if args.no_wait {
        writeln!(io::stdout().lock(), "AWS was told; `gatepost list` shows how it stands")?;
        return Ok(());
    }
    let tell = |progress: &IamProgress| {
        // A stderr that is gone changes nothing of what AWS does.
        let _ = writeln!(io::stderr().lock(), "{:>4} s  {}", begun.elapsed().as_secs(), visible(&progress.words()));
    };
    let ended = tokio::select! {
        ended = access.follow_iam(&plan, when, tell) => ended?,
        signal = interrupt.wait() => {
            writeln!(io::stderr().lock(), "AWS goes on with it; `gatepost list` shows how it stands")?;
            return Err(Failure::Interrupted(signal));
        }
    };
    writeln!(io::stdout().lock(), "{}", visible(&ending(&plan, &ended)))?;
    Ok(())
}

fn ending(plan: &IamPlan, ended: &IamProgress) -> String {
    let name = &plan.identifier;
    match ended.iam {
        IamAuth::Pending { .. } => {
            let window = ended.window.as_deref().unwrap_or("that AWS chose");
            format!("{name} takes tokens after the maintenance window {window} (UTC)")
        }
        _ => format!(
            "{name} takes tokens; what a user needs beside that: gatepost policy {} --user USER",
            quote::shell(name)
        ),
    }
}

fn announce(plan: &IamPlan, standing: &IamProgress, when: When) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    let what = format!("{} {} in {}, now {}", plan.kind.name(), plan.identifier, plan.place, standing.words());
    writeln!(stderr, "IAM database authentication of the {}", visible(&what))?;
    let consequences = plan.consequences.iter().cloned().chain(consequences_of(when, standing));
    for sentence in consequences {
        writeln!(stderr, "  - {}", visible(&sentence))?;
    }
    Ok(())
}

/// Asked for on the terminal. A thread that still reads when a signal comes is left behind.
async fn ask(name: &str) -> Result<String, Diagnosis> {
    let question = format!("Type {} to go on: ", visible(name));
    let asked = tokio::task::spawn_blocking(move || {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        write!(&terminal, "{question}")?;
        let mut line = String::new();
        BufReader::new(terminal).read_line(&mut line)?;
        Ok::<_, io::Error>(line.trim().to_owned())
    });
    asked.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
        Diagnosis::new(Kind::Usage, "Nothing was changed")
            .because(format!("the name of what is to be changed could not be asked for: {error}"))
            .advise_paste("Say it on the command line", format!("--confirm {}", quote::shell(name)))
    })
}
